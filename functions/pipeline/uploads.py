"""Which execution has an upload: the first that asks. Every later delivery of the same version finds the run that it has."""

from __future__ import annotations

from collections.abc import Callable

from pipeline import runs
from pipeline.claims import Claimed, Claims
from pipeline.errors import UploadBeingStarted

claims = Claims("StartQC")


def begin_once(key: str, version: str | None, execution_arn: str, begin: Callable[[], runs.Run]) -> runs.Run:
    """The run of an upload: begun where no other execution has begun one, else the other's, as it was then.

    `version` is the object's version ID, or what tells its writings apart where the event holds none. `begin` is called
    again where an earlier attempt of this very execution broke off, so it must bear that.
    Raises UploadBeingStarted while another execution is beginning it.
    """
    upload = {"Key": key, "Version": version}
    try:
        run: runs.Run | None = claims.claim(upload, execution_arn)
    except Claimed:
        raise UploadBeingStarted(f"another execution is starting {key} (version {version})") from None
    if run is None:
        run = begin()
        claims.save_success(upload, run)
    return run
