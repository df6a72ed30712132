"""A whole Raspberry Pi 3 Model B in QEMU: scripts/emulated-pi. Needs the standard library alone."""
