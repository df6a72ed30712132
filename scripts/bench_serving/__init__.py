"""Measure how fast a model is answered over HTTP, by pi-edge and by other servers."""
