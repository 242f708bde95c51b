"""`python -m tests.bursts`: what AWS's limits do to many uploads at once, by a simulation of the state machine and its retries.

`model` is the simulation, `local` tries it on the local AWS at a size that runs there, and `__main__` writes the figures into
docs/BENCHMARKS.md.
"""
