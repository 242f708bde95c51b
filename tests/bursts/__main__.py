"""`python -m tests.bursts`: simulates bursts and writes docs/BENCHMARKS.md. `python -m tests.bursts local` tries the model first."""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.bench.sections import PAGE, put
from tests.bursts import local
from tests.bursts.model import ATTEMPTS, STATES, Burst, Limits, Simulation

# Seconds of each function for a small file, warm: those that `make cost` has seen, rounded up.
SECONDS = {
    "StartQC": 0.15,
    "QCProcess1": 0.2,
    "QCProcess2": 0.2,
    "QCProcess3": 0.2,
    "EndQC": 0.1,
    "SendQCSummary": 0.15,
    "WriteReport": 0.2,
}
GROUPS = 100
OLD, NEW = Limits(), replace(Limits(), concurrency=10)
SMALL = Limits(starts=(150, 800), transitions=(800, 800), publishes=300)  # of the smaller regions
ACCOUNTS = {
    "an account with 1,000 concurrent functions": OLD,
    "the same in a smaller region": SMALL,
    "a new account, with 10": NEW,
}
SETTINGS = {
    "concurrency of Lambda": "ask for a higher quota of concurrent executions",
    "new environments of Lambda": "it grows by itself, by 1,000 in ten seconds",
    "writes of a group in DynamoDB": "more groups: each has a partition of its own",
    "StartExecution": "ask for a higher rate of StartExecution",
    "state transitions": "ask for a higher rate of StateTransition",
    "publishes of SNS": "ask for a higher rate of Publish",
}


def main() -> int:
    tried = local.tried() if sys.argv[1:] == ["local"] else ""
    text = section(tried)
    print(text)
    put("python -m tests.bursts", text)
    return 0


def section(tried: str) -> str:
    """Returns the section of the page."""
    lines = [
        "## Bursts",
        "",
        f"`python -m tests.bursts` simulates uploads at the same instant, of {GROUPS} groups or of one, each of small files. Functions take",
        f"{', '.join(f'{name} {seconds:g} s' for name, seconds in SECONDS.items())}. The limits are AWS's defaults, as",
        "its pages of quotas have them: concurrent executions and new environments of Lambda, StartExecution and StateTransition of Step",
        "Functions, 1,000 write units a second of a partition of DynamoDB, Publish of SNS. **No burst was run on AWS.** What is throttled",
        "waits as the state machine has it wait; a function that may not write is taken for one that did not begin. A run whose",
        f"{ATTEMPTS} retries are used up is ERROR: `Status` of a [rerun in bulk](operations.md#reruns-in-bulk) finds it.",
        "",
        "| account | uploads | groups | first limit met | the last message after | runs that end as ERROR | attempts a run | what moves it |",
        "|---|---:|---:|---|---:|---:|---:|---|",
    ]
    for account, limits in ACCOUNTS.items():
        for uploads in (1_000, 100_000):
            for groups in (GROUPS, 1):
                burst = Simulation(SECONDS, limits, groups=groups).run(uploads)
                lines.append(_row(account, burst, groups))
                print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join([*lines, "", tried or _kept(), ""])


def _row(account: str, burst: Burst, groups: int) -> str:
    first = min(burst.first, key=lambda limit: burst.first[limit], default="none")
    longest = max(burst.waited, key=lambda limit: burst.waited[limit], default="none")
    states = sum(len(state) for state in STATES)
    cells = [
        account,
        f"{burst.uploads:,}",
        f"{groups:,}",
        first if first == longest else f"{first}, most often {longest}",
        _time(burst.seconds),
        f"{burst.errors:,}",
        f"{burst.attempts / burst.uploads:.1f} for {states}",
        SETTINGS.get(longest, ""),
    ]
    return f"| {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 300
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _kept() -> str:
    """Returns what a run before has said of the model on the local AWS."""
    found = [line for line in PAGE.read_text().splitlines() if line.startswith(local.BEGINNING)]
    return found[0] if found else ""


if __name__ == "__main__":
    sys.exit(main())
