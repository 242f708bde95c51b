"""Serves MiniStack on the loopback address."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys

import hypercorn.asyncio
import hypercorn.config
from ministack import app

from local.ministack import compatibility, events, functions, maps, nested, objects
from local.ministack.hooks import Application, Hooks


def run(hooks: Hooks | None = None) -> None:
    """Serves MiniStack on the port in GATEWAY_PORT until SIGTERM, Ctrl-C or the end of standard input.

    Then removes the folder TMPDIR and kills its whole process group, functions included. Exits with a message if this
    version of MiniStack is not compatible.
    """
    hooks = hooks or Hooks()
    compatibility.check()
    functions.run_under_awslambdaric(hooks)
    events.add_version_ids()
    events.invoke_functions_asynchronously()
    objects.answer_ranges_of_versions()
    maps.evaluate_jsonata()
    nested.start_executions_by_name()
    asyncio.run(_serve(hooks.application(app.app), int(os.environ["GATEWAY_PORT"])))
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # the process that started us may have been killed
    os.killpg(0, signal.SIGKILL)  # MiniStack's threads and the functions' processes can outlive the event loop


async def _serve(application: Application, port: int) -> None:
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 1
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Standard input is a pipe from the process that started us. It closes when that process ends, even by SIGKILL.
    loop.add_reader(sys.stdin.fileno(), stop.set)
    await hypercorn.asyncio.serve(application, config, shutdown_trigger=stop.wait)
