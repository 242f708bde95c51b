"""A simulation of a burst: executions of the state machine that compete for what AWS limits.

Each event is a step of a run that tries to begin, or a function that ends. What is throttled waits as the state machine has it
wait (stacks/steps.py): a random time up to a limit that doubles, 45 times. Starts wait in line, as EventBridge keeps them.
"""

from __future__ import annotations

import collections
import heapq
import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

ATTEMPTS = 45  # of a step after its first one: that of stacks/steps.py, which a test compares
LONGEST_WAIT = 300.0  # seconds between two attempts, at most
# The functions of a run, in the order of its states: those of one state go on together.
STATES = (("StartQC",), ("QCProcess1", "QCProcess2", "QCProcess3"), ("EndQC",), ("SendQCSummary",), ("WriteReport",))
TRANSITIONS = 14
END = "end of "
# Write units that each function takes from the partition of the group in QCSummary: its row, and its copy in the index.
ROW_WRITES = {
    "StartQC": 5,
    "QCProcess1": 4,
    "QCProcess2": 4,
    "QCProcess3": 4,
    "EndQC": 8,
    "SendQCSummary": 4,
    "WriteReport": 4,
}


@dataclass(frozen=True)
class Limits:
    """What an account has. starts, transitions: a second, and how many may be saved up. writes: a second, of one group. publishes: a
    second. environments: new ones of a function, a second.
    """

    concurrency: int = 1000
    starts: tuple[float, float] = (300, 1300)
    transitions: tuple[float, float] = (5000, 5000)
    writes: float = 1000
    publishes: float = 30_000
    environments: float = 100


@dataclass
class Burst:
    """What became of a burst. seconds: until the last message. waited: how often each limit was met. first: when, for the first
    time. errors: runs that ended as ERROR, because their retries were used up. attempts: of all functions.
    """

    uploads: int
    seconds: float = 0.0
    told: int = 0
    errors: int = 0
    attempts: int = 0
    waited: collections.Counter[str] = field(default_factory=collections.Counter)
    first: dict[str, float] = field(default_factory=dict)

    def met(self, limit: str, at: float) -> None:
        self.waited[limit] += 1
        self.first.setdefault(limit, at)


class Bucket:
    """Tokens that come at a rate, and of which some can be saved up."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most, self._tokens, self._at = rate, most, most, 0.0

    def take(self, at: float, count: float = 1) -> bool:
        """Takes tokens, if there are enough."""
        self._fill(at)
        if self._tokens < count:
            return False
        self._tokens -= count
        return True

    def wait_for(self, at: float, count: float) -> float:
        """Takes tokens, which may come later. Returns how long that takes."""
        self._fill(at)
        self._tokens -= count
        return max(0.0, -self._tokens / self.rate)

    def _fill(self, at: float) -> None:
        self._tokens = min(self.most, self._tokens + (at - self._at) * self.rate)
        self._at = at


@dataclass
class Run:
    """A run. group: of its stream. state: where it is. open: functions of that state that have not ended. failed: for good."""

    group: int
    state: int = 0
    open: int = 0
    failed: bool = False


class Simulation:
    """A burst of uploads at the same instant.

    seconds: that each function takes. groups: to which the uploads belong. scale: of all waits. between: seconds from one state
    to the next.
    """

    def __init__(
        self,
        seconds: Mapping[str, float],
        limits: Limits,
        *,
        groups: int = 1,
        scale: float = 1.0,
        between: float = 0.02,
        seed: int = 1,
    ) -> None:
        self._seconds, self._limits, self._scale, self._between = seconds, limits, scale, between
        self._chance, self._order = random.Random(seed), itertools.count()
        self._transitions = Bucket(*limits.transitions)
        self._writes = [Bucket(limits.writes, limits.writes) for _ in range(groups)]
        self._publishes = Bucket(limits.publishes, limits.publishes)
        self._environments = {name: Bucket(limits.environments, limits.environments * 10) for name in seconds}
        self._idle, self._busy = collections.Counter[str](), 0
        self._events: list[tuple[float, int, Run, str, int]] = []
        self._burst = Burst(0)

    def run(self, uploads: int) -> Burst:
        """Returns what becomes of so many uploads."""
        self._burst, starts = Burst(uploads), Bucket(*self._limits.starts)
        for number in range(uploads):
            delay = starts.wait_for(0.0, 1)
            if delay:
                self._burst.met("StartExecution", 0.0)
            self._push(delay, Run(number % len(self._writes)), "", 0)
        while self._events:
            at, _, run, name, attempt = heapq.heappop(self._events)
            if not name:
                self._enter(at, run)
            elif name.startswith(END):
                self._busy -= 1
                self._idle[name.removeprefix(END)] += 1
                self._leave(at, run)
            else:
                self._try(at, run, name, attempt)
        return self._burst

    def _push(self, at: float, run: Run, name: str, attempt: int) -> None:
        heapq.heappush(self._events, (at, next(self._order), run, name, attempt))

    def _enter(self, at: float, run: Run) -> None:
        delay = self._transitions.wait_for(at, TRANSITIONS / len(STATES))
        if delay:
            self._burst.met("state transitions", at)
        run.open = len(STATES[run.state])
        for name in STATES[run.state]:
            self._push(at + delay + self._between, run, name, 0)

    def _try(self, at: float, run: Run, name: str, attempt: int) -> None:
        self._burst.attempts += 1
        limit = self._limit_met(at, run, name)
        if not limit:
            self._busy += 1
            self._idle[name] -= self._idle[name] > 0
            self._push(at + self._seconds[name], run, END + name, 0)
            return
        self._burst.met(limit, at)
        if attempt < ATTEMPTS:
            wait = self._chance.uniform(0, min(LONGEST_WAIT, 2.0**attempt))
            self._push(at + self._scale * wait, run, name, attempt + 1)
            return
        self._burst.errors += not run.failed
        run.failed = True
        self._leave(at, run)

    def _limit_met(self, at: float, run: Run, name: str) -> str:
        if self._busy >= self._limits.concurrency:
            return "concurrency of Lambda"
        if not self._idle[name] and not self._environments[name].take(at):
            return "new environments of Lambda"
        if not self._writes[run.group].take(at, ROW_WRITES[name]):
            return "writes of a group in DynamoDB"
        if name == "SendQCSummary" and not self._publishes.take(at):
            return "publishes of SNS"
        return ""

    def _leave(self, at: float, run: Run) -> None:
        run.open -= 1
        if run.open:
            return
        if STATES[run.state][0] == "SendQCSummary":
            self._burst.told += 1
            self._burst.seconds = at
        run.state += 1
        if run.state < len(STATES):
            self._enter(at, run)
