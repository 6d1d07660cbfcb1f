"""``changes`` shows what was written again, and ``undo`` puts it back or says why not."""

from datetime import timedelta

from tests.changes.test_revisions import written_again
from tests.summarization.test_stale import NEXT, night


async def test_an_earlier_text_is_listed_shown_and_put_back_by_commands(pool, cli):
    ids = await written_again(pool, "acme")
    await night(pool, NEXT)
    number = await pool.fetchval("SELECT change_id FROM maintenance.changes")
    listed = await cli("changes", "list", "--tenant", "acme")
    assert ("rewritten" in listed.stdout, "summarization" in listed.stdout) == (True, True)
    assert "Bergstrom" not in listed.stdout + (await cli("changes", "list", "--json")).stdout
    assert "Bergstrom" in (await cli("changes", "show", number, "--json")).stdout
    shown = await cli("changes", "show", number)
    assert ("revision" in shown.stdout, "content" in shown.stdout, f"undo {number}" in shown.stdout) == (True,) * 3
    assert f"undid change {number}" in (await cli("undo", number)).stdout
    await pool.execute("UPDATE maintenance.changes SET status = 'applied'")
    await pool.execute("DELETE FROM memories WHERE id = ANY ($1)", ids[:5])
    await night(pool, NEXT + timedelta(days=1))
    refused = await cli("undo", number)
    assert (refused.exit_code, "its earlier text is not kept" in refused.stderr) == (1, True)
    assert "the earlier text is not kept" in (await cli("changes", "show", number)).stdout
