"""The end of a what-if: one page, one list and one message. No row is written, and no stream gets another status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
from botocore.exceptions import ClientError

from pipeline import objects
from pipeline.aws import error_code, s3
from pipeline.environment import environment
from pipeline.execution import Execution
from pipeline.model import Failure, Payload
from pipeline.report import link
from reruns import progress
from reruns.listing import File
from reruns.progress import Rerun
from reruns.selection import Selection
from reruns.telling import publish
from reruns.trying import Tried, names, place_of
from reruns.what_if_summary import WhatIfSummary
from stream_qc.whatif import NotCompared
from stream_qc.whatif.page import render

AT_ONCE = 16  # objects that are read together
SHOWN = 2_000  # files on the page, those whose verdict changes first


def tell(execution: Execution, rerun: Rerun, listed: list[File]) -> Payload:
    """Writes the page and the results of a what-if, and publishes one message, unless this execution has told before.

    listed: its files. Returns what it says, in short. Raises SummaryNotConfirmed.
    """
    selection = rerun.selection
    why = execution.failure or Failure("NotChecked", "the step that checks it has failed; see the execution")
    tried = [*_all(rerun, listed, why)]
    bucket = str(environment().results_bucket)
    page, results = rerun.key("what-if.html"), rerun.key("results.jsonl")
    _write_page(page, tried, selection)
    lines = [json.dumps(_item(one), ensure_ascii=False) for one in tried]
    progress.put_bytes(results, "".join(f"{line}\n" for line in lines).encode())
    publish(execution, WhatIfSummary(execution, rerun, tried, link(page), f"s3://{bucket}/{results}"))
    return {
        "RerunID": rerun.rerun_id,
        "Files": len(tried),
        "Changed": sum(one.changes for one in tried),
        "NotChecked": sum(not one.before for one in tried),
        "Page": f"s3://{bucket}/{page}",
        "Results": f"s3://{bucket}/{results}",
    }


def _all(rerun: Rerun, listed: list[File], why: Failure) -> Iterator[Tried]:
    """Yields what was found. why: why there is nothing of a file."""

    def read(number: int) -> bytes | None:
        try:
            return objects.read_result(place_of(rerun.rerun_id, number))
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for file, content in zip(listed, pool.map(read, range(len(listed))), strict=True):
            if content is None:
                yield Tried(file, failure=why)
            else:
                yield msgspec.json.decode(content, type=Tried)


def _write_page(key: str, tried: list[Tried], selection: Selection) -> None:
    named = [*zip(names(tried), tried, strict=True)]
    compared = [replace(one.compared, file=name) for name, one in named if one.compared]
    others = [NotCompared(name, one.why, one.before, one.after) for name, one in named if one.failure]
    page = render(compared, others, "rules/", str(selection.rules), most=SHOWN)
    s3().put_object(
        Bucket=str(environment().results_bucket), Key=key, Body=page.encode(), ContentType="text/html; charset=utf-8"
    )


def _item(one: Tried) -> dict[str, object]:
    found: dict[str, object] = {**one.file.item(), "Before": one.before or None, "After": one.after or None}
    if one.compared:
        found |= {**one.compared.item(), "File": one.file.key}
    if one.failure:
        found |= {"Error": one.failure.error, "Cause": one.failure.cause}
    return found
