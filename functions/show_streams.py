"""ShowStreams: the pages as a widget of the CloudWatch dashboard.

In: what CloudWatch sends: the widget's parameters, or those of the link that was followed, and what was typed into its forms.
Out: HTML, which CloudWatch shows without its scripts.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from history import tables
from history.pages import Frame, Page, problem, request_in, show, style
from pipeline.errors import InvalidInput
from pipeline.observe import logger

HELP = """## Streams

The streams and how they stand, those with problems first; the runs of a stream; and a run with its checks and its report.
"""


def handler(event: dict[str, Any], context: LambdaContext) -> str | dict[str, str]:
    if event.get("describe"):
        return {"markdown": HELP}
    widget = event.get("widgetContext") or {}
    # CloudWatch sends what is in the forms of the page with every link. It is meant for the form's own link only.
    typed = ((widget.get("forms") or {}).get("all") or {}) if event.get("form") else {}
    asked = {name: value for name, value in {**typed, **event}.items() if isinstance(value, str)}
    frame = Frame("actions.html", context.invoked_function_arn, dark=widget.get("theme") == "dark")
    with logger.append_context_keys(function_request_id=context.aws_request_id):
        return f"<style>{style()}</style>{_page(asked, frame, context.aws_request_id).body}"


def _page(asked: dict[str, str], frame: Frame, request: str) -> Page:
    try:
        if asked.get("view") != "start":
            return show(tables, asked, frame)
        started = tables.start(request_in(asked), asked.get("token"))
        shown = {"view": "stream", "group": asked["group"], "stream": asked["stream"]}
        return show(tables, {**shown, "started": started.ExecutionArn, "at": started.StartDate}, frame)
    except InvalidInput as error:
        return problem(frame, str(error), 422)
    except Exception:  # noqa: BLE001  # it is logged, and CloudWatch would show a stack trace
        logger.exception("the page could not be made")
        return problem(
            frame, f"AWS did not answer as it should. Try again; the log has the reason, under {request}.", 500
        )
