"""A file that rules are inferred from."""

from __future__ import annotations

from typing import NamedTuple

from stream_qc.engine import Open
from stream_qc.formats import Format


class Source(NamedTuple):
    """open: returns the bytes of the file from the start, each time it is called."""

    name: str
    open: Open
    form: Format
