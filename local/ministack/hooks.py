"""What a program that starts the local AWS may add to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]  # a function's configuration, as CreateFunction answers it
Application = Callable[[dict[str, Any], Any, Any], Any]  # an ASGI application


@dataclass(frozen=True)
class Hooks:
    """The extension points; by default each does nothing.

    runtime: the arguments for Python that run a function; the handler's name follows them.
    environment: returns the environment of a function's process, from its configuration and the default environment.
    invocation: returns a result to use instead of invoking the function with this event, or None to invoke it.
    application: returns the application to serve, from MiniStack's own.
    """

    runtime: tuple[str, ...] = ("-m", "awslambdaric")
    environment: Callable[[Config, dict[str, str]], dict[str, str]] = lambda _config, variables: variables
    invocation: Callable[[Config, Any], dict[str, Any] | None] = lambda _config, _event: None
    application: Callable[[Application], Application] = lambda application: application
