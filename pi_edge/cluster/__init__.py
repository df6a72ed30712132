"""A batch of photos or inputs over several machines, on Dask's scheduler and workers.

Bytes travel to a worker and bytes come back; machines share no folder. `connection` finds the
scheduler, `dealing` hands the batch out and survives whoever dies of it, `wanted` says what a
worker must have, and `worker` is what runs there. docs/cluster.md is how it is used.
"""
