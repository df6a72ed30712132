"""How cost grows: with models, rows, pixels, connections and workers."""
