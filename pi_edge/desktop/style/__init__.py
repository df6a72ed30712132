"""Style transfer: one network, many paintings."""
