"""duplicate_timestamp_test: finds times that more than one row has (ioos_qc, module argo)."""

from __future__ import annotations

from typing import ClassVar

from stream_qc.checks.base import Test
from stream_qc.checks.keys import Key
from stream_qc.checks.series import Series
from stream_qc.checks.uniqueness import UniqueCheck
from stream_qc.schema import Axes, AxisName


class DuplicateTimestampTest(Test, frozen=True):
    """Flags every row SUSPECT whose time another row has. `duplicate_time`, which always runs, flags the later ones FAIL."""

    module: ClassVar[str] = "argo"
    process: ClassVar[int] = 3
    needs_axes: ClassVar[tuple[AxisName, ...]] = ("time",)

    def check(self, field: str, axes: Axes) -> UniqueCheck:
        return UniqueCheck(field, Key((axes["time"],), "duplicate_timestamp_test", every=True))

    def check_in_series(self, field: str, axes: Axes, series: Series) -> UniqueCheck:
        time = axes["time"]
        key = Key((*series.fields, time), "duplicate_timestamp_test", compared=time, every=True)
        return UniqueCheck(field, key)
