"""``memories forget`` shows first, forgets with --yes, and prints a certificate that ``memories certificate`` repeats."""

import json
import re

from tests.agents import write
from tests.summarization.test_stale import ANNA, OTHERS, TRACES, found_anywhere


async def test_forgetting_by_the_command_shows_first_and_then_prints_a_certificate(pool, cli):
    await write(pool, "acme", ANNA + OTHERS, session="s")
    forget = ("memories", "forget", "--tenant", "acme", "--subject", "anna bergstrom")
    shown = await cli(*forget)
    assert (shown.exit_code, "5 memories would be forgotten" in shown.stdout) == (0, True)
    assert await found_anywhere(pool) == {"public.memories"}
    assert await pool.fetchval("SELECT count(*) FROM maintenance.erasure_orders") == 0
    done = await cli(*forget, "--yes", "--by", "ana", "--reason", "request 17")
    assert done.exit_code == 0
    assert "memories: 5 deleted of 5 named" in done.stdout
    assert "residue score: 0.0000" in done.stdout
    assert not any(trace in done.stdout.lower() for trace in TRACES)
    assert await found_anywhere(pool) == set()
    order = re.search(r"Certificate of erasure (\S+)", done.stdout)
    assert order is not None
    again = await cli("memories", "certificate", order[1], "--json")
    certificate = json.loads(again.stdout)
    assert (certificate["ordered_by"], certificate["reason"], certificate["residue"]["score"]) == (
        "ana",
        "request 17",
        0,
    )
    assert len(certificate["memories"]["ids"]) == 5
    nothing = await cli(*forget, "--yes")
    assert (nothing.exit_code, "no memory is meant" in nothing.stderr) == (1, True)
