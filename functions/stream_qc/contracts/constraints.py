"""The constraints of a field, as several rules of a contract ask for them: the strictest counts."""

from __future__ import annotations

from typing import Any

STRICTER = {"minimum": max, "minLength": max, "maximum": min, "maxLength": min}


class Gathered:
    """Constraints, each with the share of the rows that may break it."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self._shares: dict[str, float] = {}

    @property
    def shares(self) -> dict[str, float]:
        """Returns the shares above 0."""
        return {key: share for key, share in self._shares.items() if share}

    def add(self, key: str, value: Any, share: float = 0.0) -> bool:
        """Adds a constraint. Returns False, and adds nothing, if it cannot be joined with the one that is there."""
        there = self.found.get(key)
        if there is not None and there != value:
            if key == "enum":
                value = [one for one in there if one in value]
            elif key in STRICTER and isinstance(there, str) == isinstance(value, str):
                value = STRICTER[key](there, value)
            else:
                return False
        self.found[key] = value
        self._shares[key] = min(share, self._shares.get(key, share))
        return True
