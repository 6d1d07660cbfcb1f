"""RAE's way to summarize what is due: one session after the other, a random delay after each call.

Its statements are like RAE's, not RAE's own; what takes the time is the same: a call, and a delay of 0.5 to 2 seconds.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any, Final

from openai import AsyncOpenAI

from benchmarks.speed.servers import connected

DELAY_SECONDS: Final = (0.5, 2.0)
"""RAE's random sleep between two calls of the model."""

DUE: Final = """
-- speed.DUE: sessions of any tenant, as RAE finds them: by their size.
--   $1 min_events  integer
--   $2 limit       integer
SELECT tenant_id, project, session_id FROM memories
WHERE layer IN ('episodic', 'em') AND session_id LIKE 'due-%'
GROUP BY tenant_id, project, session_id HAVING count(*) >= $1::integer
ORDER BY tenant_id, session_id LIMIT $2
"""

EVENTS: Final = """
-- speed.EVENTS: the first hundred events of a session.
SELECT content, importance FROM memories
WHERE tenant_id = $1 AND project = $2 AND session_id = $3 AND layer IN ('episodic', 'em')
ORDER BY created_at LIMIT 100
"""

STORE: Final = """
-- speed.STORE: the summary as a memory.
INSERT INTO memories (tenant_id, project, session_id, content, source, importance, layer, tags)
VALUES ($1, $2, $3, $4, 'summarization_worker', $5, 'episodic', '{session_summary,auto_generated}')
"""


async def summarize_in_a_row(url: str, base_url: str, sessions: int, *, seed: int = 2026) -> float:
    """Summarize so many sessions and return the seconds it took, with the delay after each; *seed* draws the delays."""
    delays, began = random.Random(seed), time.perf_counter()
    async with (
        connected(url) as connection,
        AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client,
    ):
        due = await connection.fetch(DUE, 10, sessions)
        if len(due) != sessions:
            raise RuntimeError(f"only {len(due)} sessions are due")
        for session in due:
            events = await connection.fetch(EVENTS, *session)
            text = await _written(client, [event["content"] for event in events])
            importance = min(1.0, 1.2 * sum(event["importance"] for event in events) / len(events))
            await connection.execute(STORE, *session, text, importance)
            await asyncio.sleep(delays.uniform(*DELAY_SECONDS))
    return time.perf_counter() - began


async def _written(client: AsyncOpenAI, contents: list[str]) -> str:
    prompt = "Summarize this session:\n" + "\n".join(f"- {content}" for content in contents)
    completion = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": prompt}], response_format={"type": "json_object"}
    )
    answer: dict[str, Any] = json.loads(completion.choices[0].message.content or "")
    return str(answer["summary"])
