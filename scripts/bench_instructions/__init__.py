"""What every path through pi-edge costs on an emulated Raspberry Pi, in instructions."""
