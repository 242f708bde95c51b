"""One run for one upload: the first execution that asks starts it, and every later delivery of the upload finds that run.

So it is for each file of a rerun in bulk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from pipeline.aws import existing_item
from pipeline.claims import Done, Held, absent, claim, claim_id, claims_table, complete, find, release
from pipeline.errors import UploadBeingStarted
from pipeline.model import Run
from pipeline.request import Delivery


def start_once(delivery: Delivery | None, execution_arn: str, start: Callable[[], Run]) -> Run:
    """Returns the upload's run: started now by this execution, or as another execution started it.

    A request without a delivery (a rerun by hand) is always started. `start` must be safe to repeat: it is called again where an
    earlier attempt of this execution did not finish. Raises UploadBeingStarted while another execution is starting the run.
    """
    if delivery is None:
        return start()
    claimed = claim(_id(delivery), execution_arn)
    if isinstance(claimed, Done):
        return Run.from_payload(claimed.result)
    if isinstance(claimed, Held):
        raise UploadBeingStarted(f"another execution is starting the run of {delivery.key}, {delivery.version}")
    run = start()
    complete(_id(delivery), execution_arn, run.to_payload())
    return run


def unclaimed(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Returns those of the uploads whose run no execution has started or is starting."""
    ids = {_id(delivery): delivery for delivery in deliveries}
    missing = absent([*ids])
    return [delivery for claim, delivery in ids.items() if claim in missing]


def started(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Returns those whose run an execution has started or is starting."""
    missing = {*unclaimed(deliveries)}
    return [delivery for delivery in deliveries if delivery not in missing]


def forget(delivery: Delivery, qcpid: str) -> None:
    """Lets the file of a rerun in bulk have another run. qcpid: of the run that it had; nothing is done where it has another."""
    try:
        claims_table().delete_item(
            Key={"id": _id(delivery)},
            ConditionExpression="contains(#result, :qcpid)",
            ExpressionAttributeNames={"#result": "result"},
            ExpressionAttributeValues={":qcpid": qcpid},
        )
    except ClientError as error:
        existing_item(error)


def give_up(delivery: Delivery, execution_arn: str) -> None:
    """Releases the claim of an execution that was stopped before it had started the run."""
    release(_id(delivery), execution_arn)


def has_run_elsewhere(delivery: Delivery | None, execution_arn: str) -> bool:
    """Returns whether another execution has started the upload's run."""
    found = find(_id(delivery)) if delivery else None
    return isinstance(found, Done) and Run.from_payload(found.result).execution_arn != execution_arn


def _id(delivery: Delivery) -> str:
    if delivery.rerun_id:
        return claim_id("Rerun", delivery.rerun_id, delivery.key, delivery.version)
    return claim_id("Upload", delivery.key, delivery.version)
