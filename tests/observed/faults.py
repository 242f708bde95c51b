"""The faults that tests plant: `faults/<group>.json` holds a list of them, as `tests.pipeline.faults` writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["OBSERVED_FOLDER"])


class PlantedFault:
    """The fault of a function in the runs of a group, if there is one.

    `at` says where it happens: at a call (its name and a number, `PutItem 2`), at `enter` or `leave` of the handler, or at
    `invoke`, before the function is started. `kind` says what happens, and `times` how often in all.
    """

    def __init__(self, folder: Path, group: str, function: str) -> None:
        self._path = folder / "faults" / f"{group}.json"
        self._function = function
        planted = json.loads(self._path.read_text()) if group and self._path.exists() else []
        self._fault: dict[str, Any] = next((one for one in planted if one["function"] == function), {})

    def due(self, place: str) -> str:
        """Returns the kind of fault to cause at this place, and counts it; "" if there is none."""
        if self._fault.get("at") != place:
            return ""
        for number in range(self._fault["times"]):
            try:
                os.close(os.open(self._path.with_suffix(f".{self._function}.{number}"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            return str(self._fault["kind"])
        return ""
