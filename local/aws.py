"""Starts and stops the local AWS: MiniStack on 127.0.0.1, with none of the caller's environment variables."""

from __future__ import annotations

import contextlib
import http.client
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

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
PYTHON = STATE / "venv" / "bin" / "python"
# Version 1 of the `aws` client ignores AWS_ENDPOINT_URL for SQS and calls AWS itself, in every region with an old SQS
# endpoint name. This region has none.
REGION = "eu-central-2"
ACCOUNT = "000000000000"
STACK = "StreamQC"
START_SECONDS = 60
CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
# Empty files, so that no client reads the caller's profiles.
NO_ACCOUNT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS. Makes every client, so that none can reach a real account."""

    port: int
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Returns the variables that point the `aws` client, the CDK and boto3 at it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """Returns a boto3 client for the service."""
        session = boto3.session.Session(**CREDENTIALS)
        return session.client(
            service,  # type: ignore[call-overload]  # boto3's stubs want a literal name
            endpoint_url=self.endpoint,
            config=Config(retries={"total_max_attempts": 2}, max_pool_connections=32),
        )

    def command_environment(self) -> dict[str, str]:
        """Returns an environment for a child process: the caller's, with its AWS variables replaced by ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | NO_ACCOUNT | self.environment | {"AWS_REGION": REGION, "AWS_PAGER": ""}


def port_from_environment() -> int:
    """Returns QC_LOCAL_PORT, or 4566 if it is not set. Exits with a message if it is not a port number."""
    text = os.environ.get("QC_LOCAL_PORT", "4566")
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        _stop(f"QC_LOCAL_PORT is {text!r}; it must be a port number from 1 to 65535.")
    return int(text)


def free_port() -> int:
    """Returns a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(port: int, extra: dict[str, str] | None = None, module: str = "local.ministack") -> Iterator[LocalAws]:
    """Starts an empty local AWS on this port and yields it; at the end stops its processes and removes its files.

    extra: more environment variables for the server and its functions.
    module: the Python module that runs the server.

    Exits with a message if the port is in use or the server does not start.
    """
    _remove_aws_variables()
    if not PYTHON.exists():
        _stop("The local AWS is not installed. Run: make setup")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            _stop(
                f"Port {port} is already in use, perhaps by another `make local`. Stop that one, or choose another port:\n"
                f"    QC_LOCAL_PORT={free_port()} make …"
            )
    folder = Path(tempfile.mkdtemp(prefix=f"run-{port}-", dir=STATE))
    log, keep_log = STATE / f"ministack-{port}.log", False
    with log.open("wb") as output:
        server = subprocess.Popen(
            [PYTHON, "-m", module],
            cwd=ROOT,
            env=_server_environment(port, folder) | (extra or {}),
            stdin=subprocess.PIPE,  # it closes when we end, however we end, and the server stops
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl-C reaches only us, and the whole group can be killed
        )
    try:
        aws = LocalAws(port, log)
        _wait_until_ready(aws, server)
        yield aws
    except BaseException as error:
        # Ctrl-C and SIGTERM are normal ends. After anything else the log helps to find the cause.
        keep_log = isinstance(error, Exception) or isinstance(getattr(error, "code", None), str)
        raise
    finally:
        _stop_group(server)
        if not keep_log:
            log.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_aws_variables() -> None:
    """Removes the caller's profiles, credentials and endpoints, so that no client in this process can reach a real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(NO_ACCOUNT)


def _server_environment(port: int, folder: Path) -> dict[str, str]:
    # The functions inherit this, so it is built from nothing: none of the caller's credentials, profiles or proxies.
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
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",  # no limit: local.ministack queues invocations itself
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _wait_until_ready(aws: LocalAws, server: subprocess.Popen[bytes]) -> None:
    """Returns when the server answers. Exits with the end of its log if it stops, or does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if _is_healthy(aws.port):
            return
        time.sleep(0.1)
    tail = aws.log.read_text(errors="replace").strip().splitlines()[-8:]
    _stop(
        "The local AWS did not start. The end of its log:\n    "
        + "\n    ".join(tail or ["(empty)"])
        + f"\nThe whole log: {aws.log}"
    )


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop_group(server: subprocess.Popen[bytes]) -> None:
    """Stops the server and the functions' processes, which are in its process group. Kills them after five seconds."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _stop(message: str) -> NoReturn:
    sys.exit(f"local AWS: {message}")
