"""The way of a large file through the state machine: Distributed Maps count the rows of its parts, and check them.

    Started? ─► CutFile ─► Cut? ─► CountRows (a map) ─► Counted? ─► NumberRows ─► Numbered? ─► QCProcessesInParts
    QCProcessesInParts: QCProcess1Parts (a map) ─► Checked1? ─► QCProcess1Merge, and the same for 2 and 3
    Cut? and Numbered? ── a file that must be checked in one pass ──► QCProcesses

The lists that the maps read, and what is found in each part, are in the results bucket. A child answers with its number alone:
the answers of all of them are one payload. One that fails for good answers with why, so that the run can name its part.
"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.steps import ERROR_AND_CAUSE, condition, invoke, jsonata

IN_PARTS = "$exists($run.InParts)"
BROKEN = "$exists($states.input.Broken[0])"
ITS_NAME = """(
    $part := $exists($states.input.Part) ? $states.input.Part : $states.input.Cut;
    $type($part) = "string" ? "the checks that need the whole file"
        : "part " & $string($part.number + 1) & ($part.of ? " of " & $string($part.of))
            & " (bytes " & $formatNumber($part.start, "#,##0") & " to " & $formatNumber($part.end, "#,##0") & ")"
)"""
MAPS = ("CountRows", "QCProcess1Parts", "QCProcess2Parts", "QCProcess3Parts")
CAUSE_CHARACTERS = 120  # of a child
# A thousand causes must fit into a payload: each character in one byte.
CAUSE = rf"""(
    $plain := $replace($replace($states.input.Cause, /[^ -~]/, "?"), /[\x22\x5c]/, "'");
    $length($plain) > {CAUSE_CHARACTERS} ? $substring($plain, 0, {CAUSE_CHARACTERS}) & "..." : $plain
)"""


def planned(
    scope: Construct,
    plan: lambda_.Function,
    count: lambda_.Function,
    bucket: s3.IBucket,
    at_once: int,
    *,
    in_parts: sfn.IChainable,
    in_one_pass: sfn.IChainable,
    failed: sfn.IChainable,
) -> sfn.IChainable:
    """Returns the way of a large file to its processes. failed: where failures go."""
    told = jsonata(f"{{{ERROR_AND_CAUSE}}}")
    run = {"run": jsonata("$states.result.Payload")}

    def or_in_one_pass(name: str, then: sfn.IChainable) -> sfn.Choice:
        return sfn.Choice.jsonata(scope, name).when(condition(IN_PARTS), then).otherwise(in_one_pass)

    number = invoke(scope, "NumberRows", plan, payload='$merge([$run, {"Counted": true}])', assign=run)
    number.add_catch(failed, errors=["States.ALL"], outputs=told)
    number.next(or_in_one_pass("Numbered?", in_parts))

    child = _child(invoke(scope, "CountRowsOfPart", count), sfn.Pass.jsonata(scope, "PartNotCounted", outputs=_why()))
    rows = _map(scope, "CountRows", child, bucket, "cuts", "Cut", at_once)
    rows.add_catch(failed, errors=["States.ALL"], outputs=told)
    broken = sfn.Pass.jsonata(scope, "RowsNotCounted", outputs=jsonata("$states.input.Broken[0]"))
    rows.next(sfn.Choice.jsonata(scope, "Counted?").when(condition(BROKEN), broken.next(failed)).otherwise(number))

    cut = invoke(scope, "CutFile", plan, assign=run)
    cut.add_catch(failed, errors=["States.ALL"], outputs=told)
    cut.next(or_in_one_pass("Cut?", rows))
    return cut


def checked(
    scope: Construct, number: int, function: lambda_.Function, bucket: s3.IBucket, at_once: int
) -> sfn.IChainable:
    """Returns a branch of QCProcessesInParts. Its errors are caught in it, so that its siblings finish."""
    name = f"QCProcess{number}"
    result = jsonata(f'{{"Process": {number}, "Pass": 0,{ERROR_AND_CAUSE}}}')
    failed = sfn.Pass.jsonata(scope, f"{name}PartsError")
    merge = invoke(scope, f"{name}Merge", function, payload="$run")
    merge.add_catch(failed, errors=["States.ALL"], outputs=result)

    broke = sfn.Pass.jsonata(scope, f"{name}PartNotChecked", outputs=_why())
    child = _child(invoke(scope, f"{name}Part", function), broke)
    parts = _map(scope, f"{name}Parts", child, bucket, str(number), "Part", at_once)
    parts.add_catch(failed, errors=["States.ALL"], outputs=result)
    of_part = sfn.Pass.jsonata(
        scope,
        f"{name}PartError",
        outputs=jsonata(f'$merge([{{"Process": {number}, "Pass": 0}}, $states.input.Broken[0]])'),
    )
    parts.next(sfn.Choice.jsonata(scope, f"Checked{number}?").when(condition(BROKEN), of_part).otherwise(merge))
    return parts


def _child(step: sfn.TaskStateBase, broke: sfn.Pass) -> sfn.IChainable:
    step.add_catch(broke, errors=["States.ALL"], outputs=jsonata(f"$merge([$states.input, {{{ERROR_AND_CAUSE}}}])"))
    return step


def _why() -> str:
    """Returns the answer of a child that failed for good."""
    cause = f'{ITS_NAME} & ": " & {CAUSE}'
    return jsonata(f'{{"Error": $states.input.Error, "Cause": {cause}}}')


def _map(
    scope: Construct, name: str, child: sfn.IChainable, bucket: s3.IBucket, listed: str, item: str, at_once: int
) -> sfn.DistributedMap:
    """Returns a map over a list in the results bucket. item: what its entries are called in the payload of a child."""
    return sfn.DistributedMap.jsonata(
        scope,
        f"{name}Map",
        state_name=name,
        item_reader=sfn.S3JsonItemReader(bucket=bucket, key=jsonata(f'"parts/" & $run.QCPID & "/{listed}.json"')),
        jsonata_item_selector=jsonata(f'$merge([$run, {{"{item}": $states.context.Map.Item.Value}}])'),
        max_concurrency=at_once,
        label=name,
        outputs=jsonata('{"Broken": [[$states.result[$exists(Error)]][0]]}'),
    ).item_processor(child, mode=sfn.ProcessorMode.DISTRIBUTED, execution_type=sfn.ProcessorType.STANDARD)
