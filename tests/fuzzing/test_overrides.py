"""Whatever is set for a tenant, it is stored as it is read again, or refused in words that repeat no value."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import Settings, TenantOverrides
from memory_maintenance.store.pool import execute, fetch_value, to_json
from memory_maintenance.tenants.overrides import checked_overrides, override, read_overrides
from tests.fuzzing.anything import SECRET, few, fuzzed, numbers, objects, texts, values

DEPLOYMENT = Settings(_env_file=None)
OVERRIDES = objects(
    daily_cron=texts | st.sampled_from(["0 2 * * *", " 0  3 * * MON", "@daily"]),
    time_zone=texts | st.sampled_from(["UTC", "Europe/Warsaw"]),
    decay_enabled=st.booleans(),
    decay_rate=st.floats(-0.1, 1.1),
    decay_policy=st.sampled_from(["staged", "bounded", SECRET]),
    decay_retained=st.floats(-0.1, 1.1),
    idle_gate_minutes=numbers,
    protected_tags=texts | st.lists(texts, max_size=3),
    summarization_enabled=st.booleans(),
    dreaming_enabled=st.booleans(),
    summarization_model=texts,
    dreaming_model=texts,
    model_excluded_classes=texts | st.lists(texts, max_size=3),
    derivation_excluded_classes=st.lists(texts, max_size=3),
    daily_tokens=numbers,
    daily_cost=numbers | st.decimals(allow_nan=True),
)


@given(OVERRIDES)
@example({"protected_tags": "\ud800"})
@fuzzed
def test_what_is_accepted_is_read_again_as_it_was_stored(given_):
    try:
        checked = checked_overrides(given_)
    except InvalidRequestError as error:
        assert SECRET in given_ or SECRET not in str(error)
        return
    stored = to_json(checked.model_dump(mode="json"))
    again = read_overrides(stored)
    assert again is not None
    assert to_json(again.model_dump(mode="json")) == stored
    assert 0 <= DEPLOYMENT.for_tenant(again).base_decay_rate < 1


@given(st.text(max_size=60) | values.map(to_json) | OVERRIDES.map(lambda given: json.dumps(given, default=str)))
@fuzzed
def test_any_row_is_read_as_overrides_or_as_none(stored):
    assert isinstance(read_overrides(stored), TenantOverrides | None)


@given(OVERRIDES)
@example({"protected_tags": "\ud800"})
@example({"model_excluded_classes": ["\x00"]})
@example({"dreaming_model": "\ud800"})
@few
async def test_a_row_of_a_tenant_holds_overrides_that_can_be_read_whatever_was_set(pool, given_):
    await execute(pool, "TRUNCATE maintenance.tenants")
    try:
        await override(pool, "acme", given_, by="ana")
    except InvalidRequestError:
        return
    stored = await fetch_value(pool, "SELECT overrides::text FROM maintenance.tenants WHERE tenant_id = 'acme'")
    assert stored is None or read_overrides(stored) is not None
