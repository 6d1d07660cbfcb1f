import re
from pathlib import Path

from commands.settings import as_markdown

ROOT = Path(__file__).parent.parent.parent


def test_the_page_of_the_settings_is_what_the_code_says():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == as_markdown(), "write it again: python starter.py settings --markdown > docs/configuration.md"


def test_the_paths_that_the_example_names_exist():
    named = re.findall(r"\b[\w-]+(?:/[\w-]+)*\.(?:py|md|yml)\b", (ROOT / ".env.example").read_text())
    assert {"docs/configuration.md", "docker-compose.yml"} <= set(named)
    assert [path for path in named if not (ROOT / path).is_file()] == []
