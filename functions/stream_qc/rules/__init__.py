"""The rules that a stream is checked against: loaded from YAML and validated."""

from __future__ import annotations

from stream_qc.rules.loading import load
from stream_qc.rules.model import BUILT_IN, Rules

__all__ = ["BUILT_IN", "Rules", "load"]
