"""`make bench`: measures the engine beside the fastest parse of the same file and beside other tools.

Writes docs/BENCHMARKS.md. The parts:

- `generators`: the files. `rules`: what is asked of them. `cases`: which file goes with which rules and which goal.
- `limits`: the ways to parse a file. `peers`: other tools that can check some of the same rules.
- `measure`: the cost of a child process. `running`: runs the cases. `goals` and `page`: the page.

In the environment: ROWS=1_000_000,10_000_000 chooses the sizes, ONLY=csv,ndjson the cases.
"""
