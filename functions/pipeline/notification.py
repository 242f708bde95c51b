"""Messages that are not about a run: rules that cannot be used, a file that did not come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.keys import is_id
from pipeline.message import subject_of


@dataclass(frozen=True)
class Notification:
    """A message with a status of its own. about: the stream, group or object, for the subject. fields: for programs. lines: the
    mail, from the first to the last.
    """

    status: str
    about: str
    fields: Mapping[str, Any]
    lines: tuple[str, ...] = field(repr=False)

    @property
    def subject(self) -> str:
        return subject_of(self.status, self.about)

    def body(self) -> str:
        """Returns the message in SNS's JSON structure."""
        text = "\n".join(self.lines)
        record = {"Status": self.status, **self.fields, "Text": text}
        return json.dumps({"default": json.dumps(record, ensure_ascii=False), "email": text}, ensure_ascii=False)

    def attributes(self) -> dict[str, Any]:
        """Returns what a subscriber can filter by."""
        ids = {name: self.fields.get(name) for name in ("GroupID", "StreamID")}
        values = {name: value for name, value in ids.items() if is_id(value)} | {"Status": self.status}
        return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
