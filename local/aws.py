"""Starts and stops the local AWS: MiniStack on 127.0.0.1, in an environment that holds nothing of the caller's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.request import urlopen

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
PYTHON = STATE / "venv" / "bin" / "python"
# Version 1 of the `aws` client sends SQS's commands to AWS itself, AWS_ENDPOINT_URL or not, in every region for which it
# knows an old name. For this one it knows none.
REGION = "eu-central-2"
ACCOUNT = "000000000000"
START_SECONDS = 60
CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
# Empty files keep a client from reading the caller's profiles.
NO_ACCOUNT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS. Every client comes from here, so that none can reach a real account."""

    port: int
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the `aws` client, the CDK and boto3 need in order to talk to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        session = boto3.session.Session(**CREDENTIALS)
        return session.client(
            service,  # type: ignore[call-overload]  # the services' names are the callers'
            endpoint_url=self.endpoint,
            config=Config(retries={"total_max_attempts": 2}, max_pool_connections=32),
        )

    def command_environment(self) -> dict[str, str]:
        """The environment for a child process: the caller's without anything of AWS's, and ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | NO_ACCOUNT | self.environment | {"AWS_REGION": REGION, "AWS_PAGER": ""}


def port_from_environment() -> int:
    """QC_LOCAL_PORT, or 4566. Exits with one line where it is not a port."""
    text = os.environ.get("QC_LOCAL_PORT", "4566")
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        _stop(f"QC_LOCAL_PORT is {text!r}; it must be a port number, 1 to 65535.")
    return int(text)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(port: int, extra: dict[str, str] | None = None) -> Iterator[LocalAws]:
    """The local AWS on this port, empty; stopped at the end with every process and file that it made.

    extra: environment variables for it and its functions, beside its own.

    Exits with a message where the port is taken or the server does not come up.
    """
    _forget_the_callers_account()
    if not PYTHON.exists():
        _stop("The local AWS is not installed: make setup")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            _stop(
                f"Port {port} is taken, perhaps by another `make local`. Stop what listens there, or choose another port:\n"
                f"    QC_LOCAL_PORT={free_port()} make …"
            )
    folder = Path(tempfile.mkdtemp(prefix=f"run-{port}-", dir=STATE))
    log, keep_log = STATE / f"ministack-{port}.log", False
    with log.open("wb") as output:
        server = subprocess.Popen(
            [PYTHON, "-m", "local.ministack_host"],
            cwd=ROOT,
            env=_server_environment(port, folder) | (extra or {}),
            stdin=subprocess.PIPE,  # its end tells the server that we are gone, however we went
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl-C reaches us alone, and the whole group can be ended
        )
    try:
        aws = LocalAws(port, log)
        _wait_until_ready(aws, server)
        yield aws
    except BaseException as error:
        # Ctrl-C and SIGTERM are an ordinary end; for whatever else went wrong the log is of use.
        keep_log = isinstance(error, Exception) or isinstance(getattr(error, "code", None), str)
        raise
    finally:
        _end_group(server)
        if not keep_log:
            log.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _forget_the_callers_account() -> None:
    """Takes profiles, credentials and endpoints out of this process, so that no client in it can reach a real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(NO_ACCOUNT)


def _server_environment(port: int, folder: Path) -> dict[str, str]:
    # The functions inherit this, so it is made anew: no credentials, no profile, no proxy of the caller's.
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(folder / "s3"),
        "LOG_LEVEL": "INFO",
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",  # the host queues invocations (QC_LOCAL_CONCURRENCY), and refuses none
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **{name: value for name, value in os.environ.items() if name.startswith("QC_LOCAL_")},
    }


def _wait_until_ready(aws: LocalAws, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urlopen(f"{aws.endpoint}/_ministack/health", timeout=2):  # noqa: S310  # our own loopback address
            return
        time.sleep(0.1)
    tail = aws.log.read_text(errors="replace").strip().splitlines()[-8:]
    _stop(
        "The local AWS did not start. Its last words:\n    "
        + "\n    ".join(tail or ["(none)"])
        + f"\nThe whole log: {aws.log}"
    )


def _end_group(server: subprocess.Popen[bytes]) -> None:
    """Ends the server and the functions' processes, which are in its group; by force where it does not listen."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _stop(message: str) -> NoReturn:
    sys.exit(f"local AWS: {message}")
