"""Links and commands that the documents name are there."""

import re
from pathlib import Path

import pytest
import typer

from commands.application import app

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("deploy/**/*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"starter\.py ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists(page):
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for group, command in COMMAND.findall(page.read_text()):
        assert group in known, group
        if hasattr(known[group], "commands") and command:
            assert command in known[group].commands, f"{group} {command}"


def test_the_site_lists_every_page_of_docs():
    listed = set(re.findall(r"^ +- .+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    pages = {page.name for page in ROOT.glob("docs/*.md")}
    assert pages - listed == set()
