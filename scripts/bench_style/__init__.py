"""Measure how fast and in how little memory pi-edge and another program style photos."""
