"""The local AWS: its address, its environment, its start and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest

from local import aws
from local.aws import ROOT, free_port, running
from local.pipeline import Pipeline


def listening_addresses(port: int) -> set[str]:
    """Returns the addresses that this port is listened on, in hex as the kernel writes them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == "0A" and int(address.rsplit(":", 1)[1], 16) == port:
                found.add(address.rsplit(":", 1)[0])
    return found


def processes_in_session(leader: int) -> set[int]:
    """Returns the IDs of the live processes in the session."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def test_server_listens_on_the_loopback_address_only(pipeline: Pipeline) -> None:
    assert listening_addresses(pipeline.aws.port) == {"0100007F"}


def test_range_of_a_version_is_answered_as_by_s3(pipeline: Pipeline) -> None:
    version = pipeline.upload("elsewhere/ranges", b"0123456789")
    pipeline.upload("elsewhere/ranges", b"a newer version")
    asked = {"Bucket": pipeline.bucket, "Key": "elsewhere/ranges", "VersionId": version}
    answer = pipeline.s3.get_object(**asked, Range="bytes=4-")
    assert (answer["Body"].read(), answer["ContentRange"]) == (b"456789", "bytes 4-9/10")
    with pytest.raises(pipeline.s3.exceptions.ClientError, match="InvalidRange"):
        pipeline.s3.get_object(**asked, Range="bytes=10-")


def test_functions_inherit_none_of_the_callers_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    credentials = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    for name in (*credentials, "HTTPS_PROXY", "MY_SECRET"):
        monkeypatch.setenv(name, "a real one")
    environment = aws._server_environment(4566, tmp_path)
    assert "a real one" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    command = aws.LocalAws(4566, tmp_path).command_environment()
    assert {name: value for name, value in command.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-2",
        "AWS_REGION": "eu-central-2",
        "AWS_PAGER": "",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_port_in_use_gives_a_message_that_proposes_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"Port {port} is already in use, .*\n    QC_LOCAL_PORT="), running(port):
            pass


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", ""])
def test_invalid_port_gives_a_message(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("QC_LOCAL_PORT", text)
    with pytest.raises(SystemExit, match=r"QC_LOCAL_PORT is .* it must be a port number"):
        aws.port_from_environment()


def test_failed_start_shows_the_end_of_the_log_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'no module named ministack'\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setattr(aws, "PYTHON", fake)
    port = free_port()
    with (
        pytest.raises(SystemExit, match=r"did not start\. The end of its log:\n    no module named ministack"),
        running(port),
    ):
        pass
    assert listening_addresses(port) == set()
    assert not list(aws.STATE.glob(f"run-{port}-*"))


def test_incompatible_ministack_gives_a_message() -> None:
    program = (
        "from local.ministack import compatibility; from ministack.core import lambda_runtime;"
        "del lambda_runtime._worker_class_for; compatibility.check()"
    )
    done = subprocess.run([aws.PYTHON, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "this version of MiniStack has no ministack.core.lambda_runtime._worker_class_for" in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_make_local_writes_its_files_and_stops_everything_it_started(ending: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    env, outputs_file, shown = tmp_path / "env", tmp_path / "outputs.json", tmp_path / "shown"
    with shown.open("w") as printed:
        server = started(tmp_path, port, printed)
    try:
        wait_for(lambda: env.exists() and env.read_text(), server)
        outputs = json.loads(outputs_file.read_text())
        assert set(outputs) == {
            "StreamBucketName",
            "StateMachineArn",
            "QCSummaryTableName",
            "QCDetailsTableName",
            "QCStreamsTableName",
            "RerunStateMachineArn",
            "ResultsBucketName",
            "QCEmailTopicArn",
            "QCResultsTopicArn",
            "ApiUrl",
            "DashboardUrl",
        }
        command = f". {env} && aws s3 cp README.md s3://$StreamBucketName/streams/README.md && echo $AWS_ENDPOINT_URL"
        listed = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"http://127.0.0.1:{port}" in listed.stdout
        wait_for(lambda: "Subject: [QC REJECTED] streams/README.md" in shown.read_text(), server)
        children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=True)
        (host,) = map(int, children.stdout.split())
        assert processes_in_session(host)
    finally:
        server.send_signal(ending)
        server.wait(timeout=30)
    wait_for(lambda: not processes_in_session(host) and not listening_addresses(port), None)
    assert env.exists() == outputs_file.exists() == (ending == signal.SIGKILL)  # then no process is left to remove them


def started(folder: Path, port: int, printed: IO[str]) -> subprocess.Popen[bytes]:
    """Starts `make local`. Ctrl-C is ignored, as in a script's background jobs."""
    return subprocess.Popen(
        ["bash", "-c", f"trap '' INT; exec {sys.executable} -m local.serve --state {folder}"],
        cwd=ROOT,
        env={**os.environ, "QC_LOCAL_PORT": str(port), "AWS_PROFILE": "production"},
        stdout=printed,
        stderr=subprocess.STDOUT,
    )


def wait_for(condition: Any, process: subprocess.Popen[bytes] | None, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
