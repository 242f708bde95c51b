"""The rules that judge a stream: read from YAML, checked, typed."""

from __future__ import annotations

from stream_qc.rules.loading import load
from stream_qc.rules.model import BUILT_IN, Document, Field, Rules

__all__ = ["BUILT_IN", "Document", "Field", "Rules", "load"]
