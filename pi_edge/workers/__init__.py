"""Models run in processes of their own, so that none can take the daemon down.

One process, a fork of the starting daemon itself (origin.py), imports the runtime and then does
nothing but fork (zygote.py). Each variant is served by one of its forks (worker.py), which shares
all of that memory with the others. The daemon's end of it is process.py; tensors travel through
memory that both map (shared.py), and only their names, types and shapes through a socket.
"""

# Else OpenBLAS and OpenMP start threads as NumPy is imported, and forking is not safe any more.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
