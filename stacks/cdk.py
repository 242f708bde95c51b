"""`make deploy`: the CDK's command line, with what it does not do by itself.

Of a context value that is given more than once it keeps the last, and says nothing. Here the addresses of several
`-c alertEmail=…` are joined.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CDK = Path(__file__).resolve().parent.parent / "node_modules" / ".bin" / "cdk"


def with_joined_emails(words: list[str]) -> list[str]:
    """The words, with one `-c alertEmail=a,b` in the place of the first of several."""
    kept: list[str] = []
    addresses: list[str] = []
    waiting = iter(words)
    for word in waiting:
        given = next(waiting, "") if word in ("-c", "--context") else word.removeprefix("--context=")
        if not given.startswith("alertEmail="):
            kept += [word, given] if word in ("-c", "--context") else [word]
            continue
        addresses.append(given.removeprefix("alertEmail="))
    return [*kept, "-c", f"alertEmail={','.join(addresses)}"] if addresses else kept


if __name__ == "__main__":
    os.execv(CDK, [str(CDK), *with_joined_emails(sys.argv[1:])])  # noqa: S606  # our own command
