"""From a laptop to Raspberry Pis over ssh: releases, what they need, and how they get there."""

# Debian packages that pi-edge runs without: only the status light stays dark.
OPTIONAL = frozenset({"python3-lgpio"})
