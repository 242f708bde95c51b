"""Deliveries come twice, late and out of order, beside overwrites and reruns: each version of an object gets its one run."""

from __future__ import annotations

import copy
import os
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.pipeline import Inbox, Pipeline
from tests.pipeline.conftest import QUARTER, undelivered
from tests.samples import event

EXAMPLES = 100 if os.environ.get("FAULTS") == "all" else 2
BAD = QUARTER.replace("5.6", "99.5")

# Which of two objects is written, and whether what is written is good: up to ten versions, one right after the other.
versions = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans()), min_size=1, max_size=10)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=versions, repeats=st.lists(st.integers(0, 9), max_size=4), reruns=st.integers(0, 2), data=st.data())
def test_versions_are_checked_and_sent_once_in_any_order(
    pipeline: Pipeline,
    inbox: Inbox,
    written: list[tuple[str, bool]],
    repeats: list[int],
    reruns: int,
    data: st.DataObject,
) -> None:
    group = f"interleaved {uuid.uuid4()}"
    with undelivered(pipeline, len(written)):
        uploads = [
            (
                f"streams/{group}/{name}.csv",
                pipeline.upload(f"streams/{group}/{name}.csv", (QUARTER if good else BAD).encode()),
            )
            for name, good in written
        ]
    events = []
    for key, version in [*uploads, *(uploads[index % len(uploads)] for index in repeats)]:
        delivered = copy.deepcopy(event("execution_upload"))
        delivered["detail"]["object"] |= {"key": key, "version-id": version}
        events.append(delivered)
    starts = [*events, *[{"GroupID": group, "StreamID": written[0][0]}] * reruns]
    order = data.draw(st.permutations(range(len(starts))))
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(pipeline.finished, pool.map(lambda index: pipeline.start(starts[index]), order)))
    assert Counter(one.output["Status"] == "REPEATED" for one in ended)[True] == len(repeats)
    rows = {row["ExecutionArn"]: row for row in pipeline.rows(GroupID=group)}
    assert len(rows) == len(uploads) + reruns
    by_upload = {one.arn: one for one in ended if one.output["Status"] != "REPEATED"}
    assert set(rows) == set(by_upload)
    judged = {rows[arn]["VersionId"]: rows[arn]["Status"] for arn, one in by_upload.items() if "detail" in one.input}
    assert judged == {
        version: "PASS" if good else "FAIL" for (_, version), (_, good) in zip(uploads, written, strict=True)
    }
    for arn, row in rows.items():
        assert inbox.message(arn)["Summary"]["Status"] == row["Status"]
    told = [len(inbox.all(one.arn)) for one in ended]
    assert sum(told) == len(rows)
    assert max(told) == 1
    of_stream: dict[str, list[dict[str, Any]]] = {}
    for row in rows.values():
        of_stream.setdefault(row["StreamID"], []).append(row)
    for stream, its in of_stream.items():
        last = max(its, key=lambda row: (row["UploadTime"], row["StartTime"]))
        state = pipeline.state(group, stream)
        assert (state["QCPID"], state["Status"]) == (last["QCPID"], last["Status"])
        assert Counter(row["Change"] for row in its)["FIRST"] == 1
