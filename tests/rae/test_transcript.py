"""docs/rows-of-rae.md: every line of its transcript runs on RAE's real table, and prints what the page shows."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from memory_maintenance import DreamingWorker, SummarizationWorker
from memory_maintenance.settings import Settings
from tests.agents import talk
from tests.fake_model import FakeModel

PAGE = Path(__file__).parents[2] / "docs" / "rows-of-rae.md"
TENANT = "11111111-1111-4111-8111-111111111111"
PROMPT, CONTINUED = ">>> ", "... "

INSERT = """
INSERT INTO memories (id, tenant_id, content, layer, project, session_id, source, agent_id, tags, importance, info_class,
                      governance, metadata, expires_at, created_at)
SELECT r.id, r.tenant_id, r.content, r.layer, r.project, r.session_id, r.source, r.agent_id, r.tags, r.importance,
       r.info_class, r.governance, r.metadata, r.expires_at, r.created_at
FROM jsonb_populate_record(NULL::memories, $1) r
"""


def transcript(page: str) -> Iterator[tuple[str, str]]:
    """Yield each statement of the page's transcript with what is shown below it."""
    block = re.search(r"^```pycon\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    for part in re.split(rf"^{PROMPT}", block[1], flags=re.MULTILINE)[1:]:
        line, *rest = part.rstrip().split("\n")
        more = [one.removeprefix(CONTINUED) for one in rest if one.startswith(CONTINUED)]
        yield "\n".join([line, *more]), "\n".join(rest[len(more) :])


class Store:
    """What the transcript calls besides the library: rows as RAE's API writes them."""

    def __init__(self) -> None:
        self._written = 0

    async def remember(self, pool: asyncpg.Pool, count: int, **columns: Any) -> None:
        """Write rows of a session, each a second after the one before."""
        for text in talk(count, first=self._written):
            await self._write(pool, text, **columns)

    async def remember_in_parts(self, pool: asyncpg.Pool, count: int, **columns: Any) -> None:
        """Write one long text as the engine does: a row for each part."""
        parent = str(uuid4())
        for n, text in enumerate(talk(count, first=self._written)):
            metadata = {"is_chunk": True, "parent_id": parent, "chunk_index": n, "total_chunks": count}
            await self._write(pool, text, source=f"api [p{n + 1}/{count}]", metadata=metadata, **columns)

    async def _write(self, pool: asyncpg.Pool, text: str, **columns: Any) -> None:
        self._written += 1
        row = {
            "id": str(uuid4()),
            "tenant_id": TENANT,
            "content": text,
            "layer": "episodic",
            "project": "shop",
            "source": "api [p1/1]",
            "agent_id": "default",
            "importance": 0.5,
            "info_class": "internal",
            "governance": {},
            "metadata": {},
            "created_at": datetime.now(UTC) - timedelta(hours=1, seconds=-self._written),
            **columns,
        }
        await pool.execute(INSERT, json.dumps(row, default=str))


async def shown(pool: asyncpg.Pool, stored: Any) -> dict[str, Any]:
    """Read columns of a stored row back."""
    memory_id = stored["id"] if isinstance(stored, dict) else stored
    row = await pool.fetchrow(
        "SELECT project, agent_id, info_class, governance, metadata->'event_count' AS event_count "
        "FROM memories WHERE id = $1",
        memory_id,
    )
    assert row is not None
    return {**row, "governance": json.loads(row["governance"]), "event_count": int(row["event_count"])}


async def printed(line: str, names: dict[str, Any]) -> str:
    """Run a line, which may await, and return what it prints."""
    tree = ast.parse(line)
    mode = "eval" if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else "exec"
    value = eval(compile(line, PAGE.name, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307
    value = await value if inspect.iscoroutine(value) else value
    return "" if value is None else repr(value)


LINES = list(transcript(PAGE.read_text()))


async def test_every_line_of_the_transcript_prints_what_the_page_shows(rae_url, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    store, model = Store(), FakeModel()
    names: dict[str, Any] = {
        "asyncpg": asyncpg,
        "url": rae_url,
        "TENANT": TENANT,
        "Settings": partial(Settings, _env_file=None),
        "SummarizationWorker": SummarizationWorker,
        "DreamingWorker": DreamingWorker,
        "remember": store.remember,
        "remember_in_parts": store.remember_in_parts,
        "shown": shown,
        "model": model,
        "an_hour_ago": datetime.now(UTC) - timedelta(hours=1),
    }
    found = []
    try:
        for line, _ in LINES:
            found.append((line, await printed(line, names)))
    finally:
        await names["pool"].close()
    assert found == LINES


@pytest.mark.parametrize(
    "subject", ["create_pool", "project=", "confidential", "renames", "parts", "expires_at", "operational", "dream"]
)
def test_the_transcript_shows(subject):
    assert any(subject in line for line, _ in LINES)
