"""Which execution has an upload: the first that asks. Every later delivery of the same version finds the run that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline import runs
from pipeline.claims import Claimed, Claims
from pipeline.errors import UploadBeingStarted

claims = Claims("StartQC")


def begin_once(upload: Mapping[str, Any], execution_arn: str, begin: Callable[[], runs.Run]) -> runs.Run:
    """The run of an upload: begun where no other execution has begun one, else the other's, as it was then.

    `upload` has the Key and the VersionId (or the Sequencer) of its event. One without them can be told from no other, and
    is begun whatever came before. `begin` is called again where an earlier attempt of this very execution broke off, so it
    must bear that. Raises UploadBeingStarted while another execution is beginning it.
    """
    identity = _identity(upload)
    if identity is None:
        return begin()
    try:
        run: runs.Run | None = claims.claim(identity, execution_arn)
    except Claimed:
        raise UploadBeingStarted(f"another execution is starting {identity['Key']}, {identity['Version']}") from None
    if run is None:
        run = begin()
        claims.save_success(identity, run)
    return run


def is_claimed(upload: Mapping[str, Any]) -> bool:
    """Whether an execution has begun the run of this upload, or is at it."""
    identity = _identity(upload)
    return identity is not None and claims.found(identity) is not None


def has_run_elsewhere(upload: Mapping[str, Any], execution_arn: str) -> bool:
    """Whether another execution has begun the run of this upload."""
    identity = _identity(upload)
    found = claims.found(identity) if identity else None
    run = (found.response_json_as_dict() or {}) if found and found.status == "COMPLETED" else {}
    return bool(run.get("ExecutionArn", execution_arn) != execution_arn)


def _identity(upload: Mapping[str, Any]) -> dict[str, str] | None:
    """What is the same in every delivery of an upload, and in no other's."""
    key, version = upload.get("Key"), upload.get("VersionId", upload.get("Sequencer"))
    return {"Key": key, "Version": version} if isinstance(key, str) and isinstance(version, str) else None
