"""Whatever somebody gives a run as its input, it is a request within bounds or refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from tests.fuzzing.anything import SECRET, fuzzed, instants, objects, texts, values
from workflows.messages import MOST_NAMED_TENANTS, MaintenanceRequest, PageRequest, TenantRequest, understood

REQUESTS = objects(
    kind=st.sampled_from(["daily", "hourly", "weekly", SECRET]),
    tasks=st.lists(st.sampled_from(["decay", "dreaming", SECRET]), max_size=3),
    tenants=st.lists(texts, max_size=4),
    project=texts,
    session=texts,
    min_events=st.integers(-1, 3),
    backfill_days=st.integers(-1, 40_000),
    as_of=instants,
    dry_run=st.booleans() | st.sampled_from(["true", "no", SECRET]),
    progress=st.just({"scope": {"run": {"cycle_id": SECRET}}}),
)


@given(REQUESTS | values)
@fuzzed
def test_any_input_is_a_request_or_refused_without_a_retry(given_):
    try:
        request = understood(given_)
    except ApplicationError as error:
        assert error.non_retryable
        assert error.type == "InvalidRequestError"
        if not (isinstance(given_, dict) and SECRET in given_):  # a field's name is repeated, a value never
            assert SECRET not in error.message
        return
    assert request.tenants is None or 1 <= len(set(request.tenants)) == len(request.tenants) <= MOST_NAMED_TENANTS
    assert (request.session is None and request.project is None) or len(request.tenants or ()) == 1
    assert request.as_of is None or request.as_of.tzinfo is not None
    assert isinstance(given_, dict) or given_ is None
    assert MaintenanceRequest.model_validate_json(request.model_dump_json()) == request


@given(REQUESTS, st.sampled_from(["dryrun", "dry-run", "tenant", "Tasks", "asof", ""]))
@fuzzed
def test_a_request_with_a_misspelt_field_never_runs(given_, misspelt):
    with pytest.raises(ApplicationError, match=r"not understood: .*"):
        understood({misspelt: True, **given_})


@given(
    st.sampled_from([PageRequest, TenantRequest]), st.binary(max_size=60) | values.map(lambda v: json.dumps(v).encode())
)
@fuzzed
async def test_a_payload_that_no_cycle_has_sent_is_refused(kind, given_):
    payload = Payload(metadata={"encoding": b"json/plain"}, data=given_)
    with pytest.raises((ValueError, RuntimeError)) as refused:
        await pydantic_data_converter.decode([payload], [kind])
    assert SECRET not in str(refused.value)
