"""Starts the local AWS with the pipeline deployed and its functions observed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.aws import STATE, free_port
from local.pipeline import Pipeline, deployed


@contextlib.contextmanager
def observed_pipeline(settings: Mapping[str, str] | None = None, **environment: str) -> Iterator[tuple[Pipeline, Path]]:
    """Yields the pipeline and the folder with its calls and faults. Waits of the state machine take a thousandth of their time.

    settings: of the stack, beside the defaults. environment: more variables for the server and its functions.
    """
    with tempfile.TemporaryDirectory(prefix="observed-", dir=STATE) as name:
        folder = Path(name)
        (folder / "faults").mkdir()
        extra = {"OBSERVED_FOLDER": name, "SFN_WAIT_SCALE": "0.001", **environment}
        with deployed(free_port(), extra=extra, module="tests.observed", settings=settings) as pipeline:
            yield pipeline, folder
