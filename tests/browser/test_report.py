"""The report of a run in a real browser: nothing in it runs that is not ours, and people find what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from stream_qc.engine import check_stream
from stream_qc.formats import format_of
from stream_qc.inferring import infer
from stream_qc.inferring.source import Source
from stream_qc.reporting.drawer import Drawer
from stream_qc.reporting.page import Heading, render
from stream_qc.rules import load
from tests.browser.conftest import ROOT, Watched
from tests.browser.faulty import FILES, Real, text, with_faults

PICTURES = ROOT / "docs" / "faults"
HOSTILE = [
    "</script><script>document.title = 'broken'</script>",
    "<img src=x onerror=\"document.title = 'broken'\">",
    '"><svg onload="document.title = `broken`">',
    "'-alert(1)-'",
    "=cmd|' /C calc'!A0",
]


def report(folder: Path, name: str, content: str, rules: str) -> Path:
    """Checks a file and writes its report into the folder."""
    (file := folder / f"{name}.csv").write_text(content)
    loaded, form = load(rules.encode()), format_of("s.csv")
    assert form is not None
    drawer = Drawer(loaded)
    reports = check_stream(lambda: file.open("rb"), form, loaded, drawer=drawer)
    heading = Heading("FAIL", name, [("File", f"{name}.csv"), ("Rules", "inferred from the file without faults")])
    (page := folder / f"{name}.html").write_text(render(heading, [drawer.part(one) for one in reports.values()]))
    return page


def inferred(folder: Path, content: str) -> str:
    """Returns the rules that `stream-qc infer` proposes for a good file."""
    (good := folder / "good.csv").write_text(content)
    form = format_of("good.csv")
    assert form is not None
    return infer([Source("good.csv", lambda: good.open("rb"), form)])


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Returns the reports of the five real files with faults, by name."""
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for real in FILES:
        rows = real.rows()
        found[real.name] = report(folder, real.name, text(with_faults(rows, real.field)), inferred(folder, text(rows)))
    return found


@pytest.mark.parametrize("real", FILES, ids=lambda real: real.name)
def test_each_fault_is_in_the_picture(watched: Watched, faulty: dict[str, Path], real: Real) -> None:
    page = watched.page
    page.goto(faulty[real.name].as_uri())
    drawn = json.loads(page.locator("#data").text_content() or "")["pictures"]
    (picture,) = [one for one in drawn if one["field"] == real.field]
    flagged = [picture["y"][index] for index, _ in picture["flags"]]
    numbers = [float(row[real.field]) for row in real.rows() if row[real.field] not in ("", "NA")]
    spike = max(numbers) + 0.9 * (max(numbers) - min(numbers))
    assert sum(abs(y - spike) < 0.01 for y in flagged) >= 3
    assert -9999 in flagged
    assert {test for _, _, _, test in picture["spans"]} >= {"time_gap_test", "flat_line_test"}
    assert sum(y > max(numbers) for y in flagged if abs(y - spike) > 0.01) > 10  # the other unit
    figure = page.locator("figure").filter(has=page.get_by_role("heading", name=real.field, exact=True))
    assert figure.locator("canvas").count() == 1
    assert figure.locator("canvas").evaluate("canvas => canvas.width") > 500
    if os.environ.get("WRITE"):
        PICTURES.mkdir(exist_ok=True)
        figure.locator(".plot").screenshot(path=PICTURES / f"{real.name}.png")
    assert (PICTURES / f"{real.name}.png").exists()
    assert watched.said == []


def test_picture_of_a_report_is_in_the_docs(watched: Watched, faulty: dict[str, Path]) -> None:
    watched.page.set_viewport_size({"width": 1100, "height": 640})
    watched.page.goto(faulty["seattle-daily"].as_uri())
    assert watched.page.locator("canvas").count() > 1
    if os.environ.get("WRITE"):
        watched.page.screenshot(path=ROOT / "docs" / "report.png")
    assert (ROOT / "docs" / "report.png").exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_report_can_be_read_by_everybody(browser: Browser, faulty: dict[str, Path], scheme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    watched = Watched(page)
    page.goto(faulty["seattle-daily"].as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    assert watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.emulate_media(media="print")
    assert page.locator("#download").is_hidden()
    assert watched.said == []
    page.close()


def test_report_asks_nobody_for_anything(watched: Watched, faulty: dict[str, Path]) -> None:
    address = faulty["seattle-daily"].as_uri()
    watched.page.goto(address)
    watched.page.wait_for_timeout(200)
    assert watched.requested == [address]


def test_hostile_names_and_values_do_nothing(watched: Watched, tmp_path: Path) -> None:
    names = [f"{text} {index}" for index, text in enumerate(HOSTILE)]
    fields = ", ".join(f"{{name: {json.dumps(name)}, type: number, constraints: {{maximum: 1}}}}" for name in names)
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    cells = [",".join(quoted), ",".join("5" for _ in names)]
    address = report(tmp_path, "hostile", "\n".join([",".join(quoted), *cells, ""]), f"schema: {{fields: [{fields}]}}")
    page = watched.page
    page.add_init_script("window.violations = 0; addEventListener('securitypolicyviolation', () => violations++)")
    page.goto(address.as_uri())
    page.wait_for_timeout(200)
    assert page.title() == "FAIL: hostile"
    assert page.evaluate("window.violations") == 0
    assert watched.said == []
    assert page.locator("figure").count() == len(names)
    assert page.get_by_text(HOSTILE[0]).count() > 0


def test_script_that_is_not_ours_would_not_run(watched: Watched, faulty: dict[str, Path], tmp_path: Path) -> None:
    content = faulty["seattle-daily"].read_text()
    (tampered := tmp_path / "tampered.html").write_text(
        content.replace("</body>", "<script>document.title = 'broken'</script></body>")
    )
    watched.page.goto(tampered.as_uri())
    assert watched.page.title() != "broken"
    assert any("Content Security Policy" in text for text in watched.said)


def test_button_downloads_the_offending_rows(watched: Watched, faulty: dict[str, Path]) -> None:
    watched.page.goto(faulty["seattle-daily"].as_uri())
    with watched.page.expect_download() as waiting:
        watched.page.locator("#download").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert lines[0] == "process,field,test,row,line,time,value,reason"
    assert any(line.startswith("2,temp_max,gross_range_test,147,148,2012-05-26,69.08,") for line in lines)


def test_dragging_zooms_every_picture(watched: Watched, faulty: dict[str, Path]) -> None:
    page = watched.page
    page.goto(faulty["seattle-daily"].as_uri())
    over = page.locator(".plot .u-over")
    box = over.first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 100, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, middle, steps=5)
    assert page.locator(".u-select").first.evaluate("one => one.offsetWidth") > 100
    page.mouse.up()
    page.mouse.move(box["x"] + 200, middle)
    assert page.locator(".u-legend").first.inner_text().count("2012") == 1  # the point under the cursor
