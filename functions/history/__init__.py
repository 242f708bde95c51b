"""The streams, their runs, and a run with its checks, for the API and the pages. Nothing here writes to a table."""
