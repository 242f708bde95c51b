"""The pages of the documentation, and what the tests look at in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^(?:`(?P<file>[\w./-]+)`:\n\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block. file: the name in backticks and a colon above it, or "": the block is the content of that file."""

    language: str
    text: str
    file: str

    @property
    def lines(self) -> list[str]:
        """Returns the commands of a shell block, with continued lines joined."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


@dataclass(frozen=True)
class Page:
    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """Returns the text without its fenced blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[Block]:
        found = (Block(one["language"], one["text"], one["file"] or "") for one in FENCE.finditer(self.text))
        return [block for block in found if block.language == language]

    def section(self, heading: str) -> str:
        """Returns the text below a heading, up to the next heading of its level or above."""
        found = re.search(rf"^(#+) {re.escape(heading)}\n(.*)", self.text, re.DOTALL | re.MULTILINE)
        assert found, f"{self} has no section {heading}"
        marks, rest = found.groups()
        return re.split(rf"^#{{1,{len(marks)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]

    @property
    def anchors(self) -> set[str]:
        """Returns the anchors that GitHub gives to the headings."""
        headings = re.findall(r"^#+ (.+)$", FENCE.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @property
    def code(self) -> list[str]:
        """Returns every inline code span, and every command."""
        commands = [line for block in self.blocks("sh") for line in block.lines]
        return [*re.findall(r"`([^`\n]+)`", self.prose), *commands]


def page(name: str) -> Page:
    return Page(ROOT / name)


README, RULES, CONTRIBUTING, OPERATIONS = map(
    page, ("README.md", "docs/rules.md", "CONTRIBUTING.md", "docs/operations.md")
)
PAGES = [*map(Page, sorted(ROOT.glob("*.md"))), *map(Page, sorted((ROOT / "docs").glob("*.md")))]
EXAMPLE_FILES = {block.file for one in PAGES for kind in ("python", "yaml") for block in one.blocks(kind)} - {""}
