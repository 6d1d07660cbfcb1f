"""What expiry keeps in its archive is forgotten, too, and is not taken for what others have deleted."""

from datetime import timedelta
from uuid import uuid4

import pytest

from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.selection import Selector, gone_sources
from memory_maintenance.store.pool import execute, fetch_value
from tests.erasure.test_forget import a_night
from tests.expiry.conftest import a_run, expire
from tests.summarization.test_stale import NIGHT, SETTINGS, found_anywhere

ARCHIVED = "SELECT count(*) FROM maintenance.archive"


@pytest.mark.parametrize("how", ["subject", "ids", "session", "tenant"])
async def test_nothing_of_an_archived_memory_is_found_after_forgetting(any_pool, how):
    tenant = str(uuid4())
    anna = await a_night(any_pool, tenant)
    at = NIGHT + timedelta(days=1)
    await execute(any_pool, "UPDATE memories SET expires_at = $1 WHERE id = ANY ($2)", at, list(anna))
    assert (await expire(any_pool, a_run(at), tenant)).of("archived") == len(anna)
    assert await gone_sources(any_pool, tenant) == []

    selector = {
        "subject": Selector(tenant, subject="anna  BERGSTROM"),
        "ids": Selector(ids=tuple(anna)),
        "session": Selector(tenant, session_id="s"),
        "tenant": Selector(tenant),
    }[how]
    order = await order_erasure(any_pool, selector, by="ana", reason=None)
    certificate = await Erasure(any_pool, SETTINGS).carry_out(order)
    assert (await found_anywhere(any_pool), certificate["residue"]["score"]) == (set(), 0.0)
    assert await fetch_value(any_pool, ARCHIVED) == 0
