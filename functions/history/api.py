"""The HTTP API. Its OpenAPI document is made from the functions below: GET /openapi.json."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path, Query
from pydantic import BaseModel, Field

from history import queries, reruns, starting, tables
from history.queries import NotFound, RunFilter, StreamFilter
from history.records import Link, Problem, Reruns, Runs, RunStatus, RunWithChecks, Started, Streams, StreamStatus
from pipeline.aws import is_transient
from pipeline.errors import InvalidInput, TemporaryFailure
from pipeline.observe import logger
from pipeline.times import TIME, first_of, last_of

# Printable characters, and no /. For the document only: pipeline.keys checks it, and says what is wrong.
ID = {"minLength": 1, "maxLength": 128, "pattern": r"^( |[^/\p{C}\p{Z}])+$"}

Group = Annotated[str | None, Query(description="Of this group only.", min_length=1, max_length=128)]
Continued = Annotated[str | None, Query(description="The Cursor of the page before.", min_length=1, max_length=4000)]
QCPID = Annotated[str, Path(description="The ID of a run.", pattern="^[0-9a-f-]{36}$")]
Since = Annotated[
    str | None, Query(alias="from", description="Not before this time (UTC), such as `2026-11-01`.", pattern=TIME)
]
Until = Annotated[
    str | None, Query(alias="to", description="Not after this time (UTC); a day counts to its end.", pattern=TIME)
]

Token = Annotated[
    str | None,
    Header(alias="idempotency-key", description="The same request with the same key starts one run.", max_length=200),
]

DESCRIPTION = """Streams, runs and reports, and reruns. Requests are signed for IAM (`execute-api`).

Fields are named as in the tables; one that a record does not have is null. A page has up to 100 records, and a Cursor where more
may follow. A page may be empty and yet have a Cursor, where what is asked for is rare."""

app = APIGatewayHttpResolver(enable_validation=True)
app.configure_openapi(title="Stream QC", version="1", description=DESCRIPTION)


ALSO = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)


def _answers(model: type[BaseModel], *problems: HTTPStatus, status: HTTPStatus = HTTPStatus.OK) -> Any:
    """Returns what a route may answer, for the OpenAPI document: its result, and problems."""
    models = {status: model, **dict.fromkeys((*problems, *ALSO), Problem)}
    return {
        one.value: {"description": one.phrase, "content": {"application/json": {"model": kind}}}
        for one, kind in models.items()
    }


class Wanted(BaseModel):
    """The run to start: the input of a rerun by hand. Without a Key, the stream's newest file is checked."""

    GroupID: Annotated[str, Field(json_schema_extra=ID)]
    StreamID: Annotated[str, Field(json_schema_extra=ID)]
    Key: Annotated[str | None, Field(description="One file of the stream.", min_length=1, max_length=1024)] = None
    VersionId: Annotated[str | None, Field(description="One version of that file.", min_length=1, max_length=1024)] = (
        None
    )


@app.get("/streams", summary="Streams and their newest state, those with problems first", responses=_answers(Streams))
def get_streams(
    group: Group = None,
    stream: Annotated[str | None, Query(description="With group: this stream.", min_length=1, max_length=128)] = None,
    status: Annotated[StreamStatus | None, Query(description="Of this status only.")] = None,
    text: Annotated[str | None, Query(description="With this in their name.", min_length=1, max_length=256)] = None,
    since: Since = None,
    until: Until = None,
    cursor: Continued = None,
) -> Streams:
    """`from` and `to` are about the time at which a stream got its present status."""
    _refuse_unknown("group", "stream", "status", "text", "from", "to", "cursor")
    return queries.streams(
        StreamFilter(group, stream, status, text, first_of("from", since), last_of("to", until)), cursor
    )


@app.get("/runs", summary="The runs of a group or of a stream, the newest first", responses=_answers(Runs))
def get_runs(
    group: Annotated[str, Query(description="Of this group.", min_length=1, max_length=128)],
    stream: Annotated[str | None, Query(description="Of this stream only.", min_length=1, max_length=128)] = None,
    status: Annotated[RunStatus | None, Query(description="Of this status only.")] = None,
    since: Since = None,
    until: Until = None,
    cursor: Continued = None,
) -> Runs:
    """`from` and `to` are about the time at which a run started."""
    _refuse_unknown("group", "stream", "status", "from", "to", "cursor")
    return queries.runs(RunFilter(group, stream, status, first_of("from", since), last_of("to", until)), cursor)


@app.get("/runs/<qcpid>", summary="A run with its checks", responses=_answers(RunWithChecks, HTTPStatus.NOT_FOUND))
def get_run(qcpid: QCPID, cursor: Continued = None) -> RunWithChecks:
    """Where there are very many checks, the first of them; the Cursor leads to the others."""
    _refuse_unknown("cursor")
    return queries.run(qcpid, cursor)


@app.get(
    "/runs/<qcpid>/report",
    summary="The report of a run: a link that works for 15 minutes",
    status_code=HTTPStatus.FOUND,
    responses=_answers(Link, HTTPStatus.NOT_FOUND, status=HTTPStatus.FOUND),
)
def get_report(qcpid: QCPID) -> Response[str]:
    run = queries.find(qcpid)
    if run.ReportKey is None:
        raise NotFound(f"run {qcpid} has no report: it checked no file, has not ended, or the stack makes no reports")
    link = Link(Location=tables.report(run))
    headers = {"Location": link.Location, "Cache-Control": "no-store"}
    return _json(HTTPStatus.FOUND, link.model_dump_json(), headers)


@app.post(
    "/runs",
    summary="Check a file again",
    status_code=HTTPStatus.ACCEPTED,
    responses=_answers(Started, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, status=HTTPStatus.ACCEPTED),
)
def post_run(wanted: Annotated[Wanted, Body()], token: Token = None) -> Started:
    """The run has started when this answers. Its row appears within seconds: GET /runs?group=…&stream=…."""
    return starting.start(wanted.model_dump(exclude_none=True), token)


@app.get("/reruns", summary="The last reruns in bulk and what-ifs, and how far they are", responses=_answers(Reruns))
def get_reruns() -> Reruns:
    """They are started with the second state machine."""
    _refuse_unknown()
    return reruns.reruns()


@app.get("/openapi.json", include_in_schema=False)
def get_openapi() -> Response[str]:
    return _json(HTTPStatus.OK, app.get_openapi_json_schema())


def _refuse_unknown(*names: str) -> None:
    """Raises InvalidInput for a parameter of another name, which would narrow nothing."""
    for name in app.current_event.query_string_parameters or {}:
        if name not in names:
            expected = f"expected one of: {', '.join(names)}" if names else "this takes none"
            raise InvalidInput(f"{name}: unknown parameter; {expected}"[:300])


def _refuse_request(error: RequestValidationError) -> Response[str]:
    mistakes = [f"{'.'.join(map(str, one['loc'][1:])) or one['loc'][0]}: {one['msg']}" for one in error.errors()]
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidInput", "; ".join(mistakes))


def _refuse_media_type(_error: Exception) -> Response[str]:
    return _problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "InvalidInput", "Content-Type: must be application/json")


def _refuse_input(error: InvalidInput) -> Response[str]:
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidInput", str(error))


def _not_found(error: NotFound | NotFoundError) -> Response[str]:
    return _problem(HTTPStatus.NOT_FOUND, "NotFound", str(error))


def _fail(error: Exception) -> Response[str]:
    if is_transient(error) or isinstance(error, TemporaryFailure):
        return _problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "TemporaryFailure", f"AWS is temporarily unavailable; retry. {error}"
        )
    if app.current_event.body and "json" not in app.current_event.headers.get("content-type", "json"):
        return _refuse_media_type(error)  # that of a form without a boundary, for one, has no error of its own
    logger.exception("the request failed")
    request = app.lambda_context.aws_request_id
    cause = f"the request failed; its log has the reason, under the request ID {request}"
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", cause)


def _problem(status: HTTPStatus, error: str, cause: str) -> Response[str]:
    return _json(status, json.dumps({"Error": error, "Cause": cause}))


def _json(status: HTTPStatus, body: str, headers: dict[str, Any] | None = None) -> Response[str]:
    return Response(status, content_type="application/json", body=body, headers=headers)


for error, answer in {
    RequestValidationError: _refuse_request,
    RequestUnsupportedContentType: _refuse_media_type,
    InvalidInput: _refuse_input,
    NotFound: _not_found,
    NotFoundError: _not_found,
    Exception: _fail,
}.items():
    app.exception_handler(error)(answer)
