"""A plugin for pytest-xdist, so that each local AWS and each template is made once: pytest -p tests.scheduling --dist loadscope.

xdist's own groups (--dist loadgroup) have no effect with this version of pytest.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class BySharedFixture(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives tests that share a local AWS or a template to the same process. The largest groups start first."""

    def _split_scope(self, nodeid: str) -> str:
        """Returns the group of a test; a test that shares nothing is a group of its own."""
        path = nodeid.partition("::")[0]
        if path.endswith(OWN):
            return path
        if path.endswith(("test_cdk_cli.py", "test_local_aws.py")):
            return "starts a local AWS of its own"
        folder = path.rpartition("/")[0]
        shared = folder in ("tests/pipeline", "tests/stacks") and not path.endswith("test_audit.py")
        return folder if shared else nodeid


# Test files whose tests share something among themselves only.
OWN = ("pipeline/test_faults.py", "pipeline/test_permissions.py")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BySharedFixture | None:
    """Returns the scheduler for `--dist loadscope`."""
    return BySharedFixture(config, log) if config.getvalue("dist") == "loadscope" else None
