"""Cursors: the place in a query from which the next page goes on. Rows that are new meanwhile do not move it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from pipeline.errors import InvalidInput
from pipeline.model import Item

OTHER = "cursor: it does not belong to this query; leave it out to begin anew"


def encode(place: Item, asked: Sequence[object]) -> str:
    """Returns a cursor. place: the key of the last item shown. asked: the query, for which alone the cursor is good."""
    text = json.dumps([_mark(asked), place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None, asked: Sequence[object], names: Sequence[str]) -> Item | None:
    """Returns the place in a cursor, which has some of these names; None for no cursor.

    Raises InvalidInput for the cursor of another query.
    """
    if cursor is None:
        return None
    try:
        mark, place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidInput(OTHER) from None
    if mark != _mark(asked) or not isinstance(place, dict) or not {*place} <= {*names}:
        raise InvalidInput(OTHER)
    if not all(isinstance(value, str) and value for value in place.values()):
        raise InvalidInput(OTHER)
    return place


def _mark(asked: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()[:12]
