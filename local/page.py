"""The page of `make local`: the streams and their runs, over the API, at an address that only this machine can reach."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ConnectionError, HTTPClientError  # noqa: A004  # botocore's
from botocore.httpsession import URLLib3Session
from pydantic import BaseModel

from history.pages import Frame, Page, problem, request_in, show, style
from history.queries import NotFound, RunFilter, StreamFilter
from history.records import Reruns, Run, Runs, RunWithChecks, Started, Streams
from local.aws import REGION
from local.pipeline import Pipeline
from pipeline.errors import InvalidInput

MOST_FORM_BYTES = 10_000
SECONDS = 30  # for an answer of the API
Answer = TypeVar("Answer", bound=BaseModel)
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


class ApiFailed(Exception):
    """The API answered, and said that it could not."""


class Api:
    """The API of a pipeline, as the source of the pages. Its requests are signed."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._base = pipeline.outputs["ApiUrl"]
        self._signer = SigV4Auth(Credentials("test", "test"), "execute-api", REGION)
        self._session = URLLib3Session(timeout=SECONDS)

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        *,
        body: Any = None,
        token: Any = None,
    ) -> Any:
        """Sends a request; returns botocore's response. A query without a value is left out."""
        asked = urlencode({name: value for name, value in (query or {}).items() if value is not None}, quote_via=quote)
        request = AWSRequest(
            method,
            f"{self._base}{path}{'?' if asked else ''}{asked}",
            {"Content-Type": "application/json", **({"Idempotency-Key": token} if token else {})},
            None if body is None else json.dumps(body).encode(),
        )
        self._signer.add_auth(request)
        return self._session.send(request.prepare())

    def streams(self, wanted: StreamFilter, cursor: str | None = None) -> Streams:
        asked = {"group": wanted.group, "stream": wanted.stream, "status": wanted.status, "text": wanted.text}
        return self._get("/streams", Streams, {**asked, "from": wanted.since, "to": wanted.until, "cursor": cursor})

    def runs(self, wanted: RunFilter, cursor: str | None = None) -> Runs:
        asked = {"group": wanted.group, "stream": wanted.stream, "status": wanted.status}
        return self._get("/runs", Runs, {**asked, "from": wanted.since, "to": wanted.until, "cursor": cursor})

    def run(self, qcpid: str, cursor: str | None = None) -> RunWithChecks:
        return self._get(f"/runs/{quote(qcpid, safe='')}", RunWithChecks, {"cursor": cursor})

    def reruns(self) -> Reruns:
        return self._get("/reruns", Reruns, {})

    def start(self, given: dict[str, Any], token: str | None = None) -> Started:
        return self._parsed(self.request("POST", "/runs", body=given, token=token), Started)

    def report(self, run: Run) -> str:
        return f"/report?{urlencode({'qcpid': run.QCPID})}"

    def report_address(self, qcpid: str) -> str:
        """Returns the address to which the API redirects. Raises NotFound."""
        answer = self.request("GET", f"/runs/{quote(qcpid, safe='')}/report")
        return str(answer.headers["Location"]) if answer.status_code == 302 else str(self._parsed(answer, Started))

    def _get(self, path: str, kind: type[Answer], query: dict[str, str | None]) -> Answer:
        return self._parsed(self.request("GET", path, query), kind)

    def _parsed(self, answer: Any, kind: type[Answer]) -> Answer:
        if answer.status_code < 300:
            return kind.model_validate_json(answer.content)
        try:
            cause = str(json.loads(answer.content)["Cause"])
        except (ValueError, KeyError):
            cause = f"it answered with {answer.status_code}"
        if answer.status_code >= 500:
            raise ApiFailed(cause)
        raise (NotFound if answer.status_code == 404 else InvalidInput)(cause)


@contextlib.contextmanager
def served(pipeline: Pipeline, port: int = 0) -> Iterator[str]:
    """Serves the pages at the loopback address while the block runs; yields their address.

    port: where, if it is free; 0 for anywhere.
    """
    handler = type("Handler", (_Handler,), {"api": Api(pipeline)})
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    api: Api

    def do_GET(self) -> None:  # the name is http.server's
        self._answer(self._get)

    do_HEAD = do_GET  # noqa: N815  # the name is http.server's

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, make: Callable[[], None]) -> None:
        """Answers the request, with a page also where it is refused, or where the API does not answer."""
        if not self._is_ours():
            self._send(problem(Frame(), "This page answers to this machine, and to itself, only.", 403))
            return
        try:
            make()
        except NotFound as error:
            self._send(problem(Frame(), str(error), 404))
        except InvalidInput as error:
            self._send(problem(Frame(), str(error), 422))
        except (HTTPClientError, ConnectionError, ApiFailed) as error:
            self._send(problem(Frame(), f"The API did not answer as it should. Is `make local` running? {error}", 502))

    def _get(self) -> None:
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if address.path == "/report":
            self._redirect(self.api.report_address(asked.get("qcpid", "")))
        elif address.path == "/":
            self._send(show(self.api, asked, Frame()))
        else:
            raise NotFound(f"there is no page {address.path}")

    def _post(self) -> None:
        length = self.headers.get("Content-Length") or ""
        body = self.rfile.read(min(int(length), MOST_FORM_BYTES) if length.isdecimal() else 0)
        asked = dict(parse_qsl(body.decode(errors="replace")))
        started = self.api.start(request_in(asked), asked.get("token"))
        shown = {"view": "stream", "group": asked["group"], "stream": asked["stream"]}
        self._redirect("/?" + urlencode({**shown, "started": started.ExecutionArn, "at": started.StartDate}))

    def log_message(self, *_: Any) -> None:
        """Keeps the requests out of the terminal, which shows the messages."""

    def _is_ours(self) -> bool:
        """Returns whether neither another site nor another name for this machine has sent the request."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        port = self.connection.getsockname()[1]
        return host in (f"127.0.0.1:{port}", f"localhost:{port}") and origin in (None, f"http://{host}")

    def _redirect(self, address: str) -> None:
        self.send_response(303)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, page: Page) -> None:
        content = document(page).encode()
        self.send_response(page.status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def document(page: Page) -> str:
    """Returns a page as a whole document."""
    refresh = f'<meta http-equiv="refresh" content="{page.refresh}">\n' if page.refresh else ""
    return HEAD.format(refresh=refresh, title=page.title, style=style(), body=page.body)


def _policy() -> str:
    """Returns a Content-Security-Policy under which nothing runs, and nothing but the style sheet is used."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    nothing = "base-uri 'none'; frame-ancestors 'none'"
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; {nothing}"


POLICY = _policy()
