"""Folders on the disk for what does not fit into memory. Each is removed with what uses it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "stream-qc-"


def folder() -> tempfile.TemporaryDirectory[str]:
    """Returns a new folder, whose name holds the number of this process."""
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")


def remove_left_behind() -> list[Path]:
    """Removes the folders of processes that were killed, and returns them.

    A folder with the number of this process is one of them: it must be called before this process makes one.
    """
    left = [found for found in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*") if _is_left_behind(found)]
    for found in left:
        shutil.rmtree(found, ignore_errors=True)
    return left


def _is_left_behind(found: Path) -> bool:
    number = found.name.removeprefix(PREFIX).split("-")[0]
    return number.isdecimal() and (int(number) == os.getpid() or not _is_running(int(number)))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it runs, for another user
        return True
    return True
