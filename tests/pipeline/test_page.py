"""The pages of `make local` in a real browser: find a stream, see when it broke, open a run and its report, and run it again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from local.aws import free_port
from local.page import served
from local.pipeline import Pipeline, until
from tests.browser.conftest import ROOT, Watched
from tests.pipeline.conftest import HEADER, LINE
from tests.samples import SAMPLES

HOSTILE = "<img src=x onerror=alert(1)> 'quoted' \"twice\" {{ 7*7 }}"


@pytest.fixture(scope="module")
def page(pipeline: Pipeline) -> Iterator[str]:
    with served(pipeline) as address:
        yield address


@pytest.fixture(scope="module")
def history(pipeline: Pipeline) -> str:
    """Has a stream pass, fail and break, and others beside it; returns their group."""
    group = "buoys"
    rules = (SAMPLES / "rules" / "default.yaml").read_bytes()
    pipeline.upload(f"rules/{group}.yaml", rules)
    days = [f"2015/01/{day:02},0.0,{5 + day / 10:.1f},-3.2,1.2,sun\n" for day in range(1, 31)]
    good = HEADER + "".join(days)
    for count in (30, 29, 30, 28, 30):
        pipeline.checked(f"streams/{group}/north.csv", (HEADER + "".join(days[:count])).encode())
    for _ in range(3):
        pipeline.checked(f"streams/{group}/north.csv", good.replace("6.5", "99.5").encode())
    pipeline.checked(f"streams/{group}/south.csv", good.encode())
    pipeline.checked(f"streams/{group}/west.csv", good.replace("sun", "frogs", 2).encode())
    return group


def test_stream_is_found_looked_at_and_run_again(watched: Watched, pipeline: Pipeline, page: str, history: str) -> None:
    tab = watched.page
    tab.goto(page)
    tab.get_by_label("Group").fill(history)
    tab.get_by_role("button", name="Show").click()
    assert tab.locator("tbody tr").count() == 3
    picture(watched, "streams")
    tab.get_by_label("Status").select_option("FAIL")
    tab.get_by_role("button", name="Show").click()
    assert tab.locator("tbody td:first-child").all_inner_texts() == [f"{history}/west", f"{history}/north"]
    tab.get_by_role("link", name=f"{history}/north").click()
    assert [one.inner_text() for one in tab.locator(".strip a").all()] == ["PASS"] * 5 + ["FAIL"] * 3
    assert tab.locator(".bars rect").count() == 8
    picture(watched, "stream")
    tab.locator(".strip a.FAIL").first.click()
    assert tab.get_by_role("heading", level=1).inner_text() == f"FAIL {history}/north"
    failing = tab.locator("tbody tr").filter(has_text="failed")
    assert failing.first.inner_text().split("\t")[:3] == ["values", "temp_max", "gross_range_test"]
    tab.get_by_role("link", name="Check this file again").click()
    before = len(pipeline.rows(GroupID=history, StreamID="north"))
    assert tab.get_by_role("heading", level=1).inner_text() == f"Check {history}/north again?"
    tab.get_by_role("link", name="Cancel").click()
    assert len(pipeline.rows(GroupID=history, StreamID="north")) == before
    tab.get_by_role("link", name="Check the newest file again").click()
    tab.get_by_role("button", name="Check it again").click()
    expect(tab.locator(".strip a")).to_have_count(9, timeout=60_000)
    until(lambda: len(pipeline.rows(GroupID=history, StreamID="north", Status="FAIL")) == 4, "the new run")
    expect(tab.locator(".strip a.FAIL")).to_have_count(4, timeout=60_000)
    expect(tab.get_by_role("status")).to_have_count(0)
    assert watched.said == []


def violations(watched: Watched) -> list[str]:
    """Returns what the browser said, but for the statuses of pages that are not there."""
    return [text for text in watched.said if "the server responded with a status of 4" not in text]


def picture(watched: Watched, name: str) -> None:
    """Checks that a picture of this page is in the docs; writes it with WRITE=1."""
    place = ROOT / "docs" / "page" / f"{name}.png"
    if os.environ.get("WRITE"):
        place.parent.mkdir(exist_ok=True)
        watched.page.set_viewport_size({"width": 1100, "height": 640})
        watched.page.screenshot(path=place)
    assert place.exists()


def test_report_of_a_run_shows_its_marked_points(watched: Watched, pipeline: Pipeline, page: str, history: str) -> None:
    row = max(pipeline.rows(GroupID=history, StreamID="north", Status="FAIL"), key=lambda one: str(one["StartTime"]))
    until(lambda: pipeline.rows(QCPID=row["QCPID"])[0].get("ReportKey"), "the report")
    tab = watched.page
    tab.goto(f"{page}?{urlencode({'view': 'run', 'qcpid': row['QCPID']})}")
    tab.get_by_role("link", name="Open the report").click()
    tab.wait_for_selector("canvas")
    assert "99.5" in tab.locator("table").all_inner_texts()[-1] or "99.5" in tab.content()
    assert tab.locator("#data").text_content()
    assert watched.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_can_be_read_by_everybody(
    browser: Browser, pipeline: Pipeline, page: str, history: str, scheme: str, width: int
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    watched = Watched(tab)
    qcpid = pipeline.rows(GroupID=history, StreamID="west")[0]["QCPID"]
    views: list[dict[str, str]] = [
        {"group": history},
        {"view": "stream", "group": history, "stream": "north"},
        {"view": "run", "qcpid": qcpid},
        {"view": "ask", "group": history, "stream": "north"},
        {"view": "nothing"},
    ]
    for asked in views:
        tab.goto(f"{page}?{urlencode(asked)}")
        assert watched.axe() == []
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), asked
    assert violations(watched) == []
    tab.close()


def test_hostile_names_do_nothing(watched: Watched, pipeline: Pipeline, page: str) -> None:
    stream = HOSTILE.replace("/", "")
    pipeline.checked(f"streams/{stream}/{stream}.csv", (HEADER + LINE).encode())
    tab = watched.page
    tab.goto(f"{page}?{urlencode({'text': 'onerror'})}")
    tab.get_by_role("link", name=f"{stream}/{stream}").click()
    assert tab.get_by_role("heading", level=1).inner_text() == f"{stream}/{stream}"
    tab.locator(".strip a").first.click()
    tab.get_by_role("link", name="Check this file again").click()
    assert stream in tab.get_by_role("heading", level=1).inner_text()
    for hostile in ("'\"><script>x</script>", "streams&x=<b>"):
        tab.goto(f"{page}?{urlencode({'view': hostile, 'group': hostile, 'text': hostile, 'from': hostile})}")
    assert tab.locator("img, script").count() == 0
    assert violations(watched) == []


def test_double_click_starts_one_run(watched: Watched, pipeline: Pipeline, page: str, history: str) -> None:
    tab = watched.page
    before = len(pipeline.rows(GroupID=history, StreamID="south"))
    tab.goto(f"{page}?{urlencode({'view': 'ask', 'group': history, 'stream': 'south'})}")
    tab.get_by_role("button", name="Check it again").dblclick()
    expect(tab.locator(".strip a")).to_have_count(before + 1, timeout=60_000)
    tab.wait_for_timeout(3000)
    assert len(pipeline.rows(GroupID=history, StreamID="south")) == before + 1


def test_api_that_does_not_answer_is_told(watched: Watched, pipeline: Pipeline) -> None:
    nobody = replace(pipeline, outputs={**pipeline.outputs, "ApiUrl": f"http://127.0.0.1:{free_port()}"})
    with served(nobody) as address:
        answer = watched.page.goto(address)
        assert answer is not None
        assert answer.status == 502
        assert "The API did not answer as it should" in watched.page.inner_text("main")


def test_page_answers_to_this_machine_and_to_itself_only(watched: Watched, pipeline: Pipeline, page: str) -> None:
    request = watched.page.request
    form: dict[str, str | float | bool] = {"view": "start", "group": "g", "stream": "s"}
    began = len(pipeline.executions())
    assert request.get(page, headers={"Host": "evil.example.org"}).status == 403
    assert request.post(page, form=form, headers={"Origin": "http://evil.example.org"}).status == 403
    assert request.get(f"{page}?{urlencode(form)}").status == 404  # a link starts nothing
    assert request.get(f"{page}?from=yesterday").status == 422
    assert request.get(f"{page}?view=run&qcpid=00000000-0000-0000-0000-000000000000").status == 404
    assert request.fetch(page, method="HEAD").ok
    assert request.post(page, form={"view": "start", "group": "g"}).status == 422
    assert request.get(f"{page}elsewhere").status == 404
    assert request.get(f"{page}report?qcpid=00000000-0000-0000-0000-000000000000").status == 404
    assert not [
        arn
        for arn in pipeline.executions()[: len(pipeline.executions()) - began]
        if pipeline.execution(arn).input == {"GroupID": "g", "StreamID": "s"}
    ]
