"""Tries the model on the local AWS: a burst while Lambda takes only a few invocations at a time and refuses the others."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.bursts.model import Limits, Simulation
from tests.observed.stack import observed_pipeline

BEGINNING = "The model was tried on the local AWS"
UPLOADS, CONCURRENCY = 60, 3
SCALE = 0.01  # of the state machine's waits, on both sides
BODY = b"n\n1\n"


def tried() -> str:
    """Returns how a burst on the local AWS compares with the model, as a sentence."""
    environment = {"OBSERVED_CONCURRENCY": str(CONCURRENCY), "SFN_WAIT_SCALE": str(SCALE)}
    with observed_pipeline(None, **environment) as (pipeline, folder):
        pipeline.upload("rules/default.yaml", b"rows: {minimum: 1}")
        pipeline.checked("streams/cold/s.csv", BODY)
        before = len(_refused(folder))
        began = time.time()
        keys = [f"streams/burst/{number}.csv" for number in range(UPLOADS)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda key: pipeline.upload(key, BODY), keys))
        while len(pipeline.rows(GroupID="burst", Notified=True)) < UPLOADS:
            time.sleep(0.5)
        ended = max(row["EndTime"] for row in pipeline.rows(GroupID="burst"))
        seconds = dt.datetime.fromisoformat(ended).timestamp() - began
        refused = len(_refused(folder)) - before
        times = defaultdict(list)
        for line in (folder / "held.jsonl").read_text().splitlines():
            one = json.loads(line)
            times[one["function"]].append(one["seconds"])
    means = {name: statistics.fmean(found) for name, found in times.items()}
    limits = replace(
        Limits(), concurrency=CONCURRENCY, environments=1e6, starts=(1e6, 1e6), transitions=(1e6, 1e6), writes=1e6
    )
    bursts = [Simulation(means, limits, scale=SCALE, seed=seed).run(UPLOADS) for seed in range(5)]
    model = statistics.median(one.seconds for one in bursts)
    throttles = statistics.median(one.waited.total() for one in bursts)
    return (
        f"{BEGINNING}: {UPLOADS} uploads while it takes {CONCURRENCY} invocations at a time, with waits of a hundredth. The last run ended "
        f"after {seconds:.0f} s, and {refused:,} invocations were refused; the model says {model:.0f} s and {throttles:,.0f}."
    )


def _refused(folder: Path) -> list[str]:
    path = folder / "refused.jsonl"
    return path.read_text().splitlines() if path.exists() else []
