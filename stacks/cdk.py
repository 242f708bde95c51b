"""`make deploy`: runs the CDK's command line.

The CDK keeps only the last of several `-c alertEmail=…`, without a warning. Here their addresses are joined first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CDK = Path(__file__).resolve().parent.parent / "node_modules" / ".bin" / "cdk"


def with_joined_emails(words: list[str]) -> list[str]:
    """Returns the arguments with all addresses in one `-c alertEmail=a,b` at the end."""
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
    os.execv(CDK, [str(CDK), *with_joined_emails(sys.argv[1:])])
