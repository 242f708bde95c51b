"""`stream-qc`, or `python -m stream_qc`."""

from __future__ import annotations

import gc
import importlib
import os


def main() -> None:
    """Runs the command. polars is given one thread: a block is too small to share, and the next one is read on another."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # polars reads it when it is loaded
    cli = importlib.import_module("stream_qc.cli")
    gc.freeze()  # what was loaded stays: to look for garbage among it takes 5 % of the time
    cli.main()


if __name__ == "__main__":
    main()
