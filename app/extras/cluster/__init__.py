"""A cluster of Dask: workers on several machines that help with runs, or compare blocks of plain CLKs.

Every certificate of the cluster's CA is root over it: Dask's parts run what they send each other. What goes
through the scheduler is which run to help with, or which block to compare; rows, keys and results never do.
"""
