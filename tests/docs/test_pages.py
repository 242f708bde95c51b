"""What the pages name exists: paths, commands of make, links, anchors. The pages keep their sizes."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import EXAMPLE_FILES, PAGES, README, ROOT, Page

FOLDERS = "docs|functions|local|operations|requirements|sample_data|stacks|tests"
WRITTEN_BY_A_TOOL = {"docs/licences.md", "docs/BENCHMARKS.md"}  # make licences, make bench


def test_readme_has_at_most_160_lines() -> None:
    assert len(README.text.splitlines()) <= 160


@pytest.mark.parametrize("page", [page for page in PAGES if str(page) not in WRITTEN_BY_A_TOOL], ids=str)
def test_lines_have_at_most_130_characters(page: Page) -> None:
    assert [line for line in page.text.splitlines() if len(line) > 130] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_named_paths_exist(page: Page) -> None:
    named = set(re.findall(rf"(?<![\w./<>-])((?:{FOLDERS})/[\w./-]*\w)", page.text)) - EXAMPLE_FILES
    assert {path for path in named if not (ROOT / path).exists()} == set()


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_named_make_targets_exist(page: Page) -> None:
    named = {name for code in page.code for name in re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", code)}
    assert named - make_targets() == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Page) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.prose):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = Page((page.path.parent / path).resolve()) if path else page
        if not target.path.exists() or (anchor and anchor not in target.anchors):
            broken.append(link)
    assert broken == []


def test_readme_leads_to_every_page() -> None:
    links = set(re.findall(r"\]\(([^)\s#]+)", README.prose))
    assert {str(page) for page in PAGES} - links == {"README.md"}
