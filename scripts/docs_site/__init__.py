"""What scripts/docs does: reference pages made from the code, the site, its links, and the
commands in it, run."""
