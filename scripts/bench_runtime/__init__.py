"""Our models in LiteRT, through pi-edge, and in other runtimes, in turn."""
