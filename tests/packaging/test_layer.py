"""The functions' packages as they go to AWS."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from stacks import packaging

AARCH64 = 183  # ELF's e_machine


def test_layer_holds_every_package_for_arm64_and_fits_into_a_function() -> None:
    with zipfile.ZipFile(packaging.packages_zip("aws")) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        packages = {name.split("/")[1] for name in entries}
        assert packages >= {"aws_lambda_powertools", "boto3", "msgspec", "polars", "ruamel", "backports"}
        assert not [
            name for name in entries if name.endswith(".pyc")
        ]  # they would depend on the machine that builds it
        libraries = [name for name in entries if ".so" in Path(name).name]
        assert libraries
        for name in libraries:
            header = archive.read(name)[:20]
            assert struct.unpack_from("<H", header, 18) == (AARCH64,), name
            assert "cpython-313" in name or "abi3" in name, name
        assert (
            sum(entry.file_size for entry in entries.values()) < 240 * 1024 * 1024
        )  # Lambda's limit is 250 MB with the code


def test_layer_is_built_once_for_a_lock_and_is_reproducible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "functions.txt"
    text = packaging.LOCK.read_text()
    start = text.index("jmespath==")
    lock.write_text(text[start : text.index("msgspec==")])
    monkeypatch.setattr(packaging, "LOCK", lock)
    monkeypatch.setattr(packaging, "CACHE", tmp_path / "cache")
    first = packaging.packages_zip("local")
    content = first.read_bytes()
    stamp = first.stat().st_mtime_ns
    assert packaging.packages_zip("local").stat().st_mtime_ns == stamp
    first.unlink()
    assert packaging.packages_zip("local").read_bytes() == content
    lock.write_text(lock.read_text() + "# changed\n")
    assert packaging.packages_zip("local") != first


def test_unreachable_index_gives_a_message_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaging, "CACHE", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(
        RuntimeError, match=r"could not be installed for aws, Python 3\.13[\s\S]*Is the package index reachable"
    ):
        packaging.packages_zip("aws")
    assert not list(tmp_path.iterdir())
