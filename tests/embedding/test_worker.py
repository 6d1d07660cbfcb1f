import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from memory_maintenance.embedding.due import due_embeddings, missing_counts
from memory_maintenance.embedding.policy import BATCH
from memory_maintenance.embedding.task import Embedding
from memory_maintenance.errors import ModelBusyError, QuestionClaimedError
from memory_maintenance.store.derived import text_hash
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import load_tenant, pause
from memory_maintenance.tenants.overrides import override
from memory_maintenance.writers.model.asking import patiently
from memory_maintenance.writers.model.ledger import Ledger
from scripted_endpoint.replies import (
    Reply,
    context_length,
    embeddings,
    html,
    insufficient_quota,
    status,
    unauthorized,
    vector_of,
)
from tests.agents import others, talk, write
from tests.embedding.conftest import MODEL, embed_due, remember, rewrite, vectors
from tests.writers.model.conftest import budgets_agree_with_the_ledger, pass_time

TEXTS = ("Mara ordered a blue tent.", "The tent leaks at the seam.", "Marek approved a refund.")
STATES = "SELECT array_agg(state ORDER BY claimed_at) FROM maintenance.model_calls"


class Killed(BaseException):
    """Passes every handler, as the end of a process would."""


def nearly(text, dimension=4):
    return pytest.approx(vector_of(text, dimension))


# --- what is embedded ---------------------------------------------------------------------------


async def test_derived_memories_get_their_own_vectors_and_nothing_else_moves(rae_pool, tenant, make_worker, endpoint):
    await write(rae_pool, tenant, talk(3))
    await remember(rae_pool, tenant, *TEXTS)
    before, whole = await others(rae_pool, tenant), await fetch(rae_pool, "SELECT * FROM memories ORDER BY id")
    outcome = await embed_due(make_worker(rae_pool), tenant)
    assert (outcome.embedded, outcome.failed, outcome.reasons, outcome.input_tokens) == (3, 0, {}, 30)
    assert await vectors(rae_pool) == {text: nearly(text) for text in TEXTS}
    assert await fetch_value(rae_pool, "SELECT array_agg(DISTINCT model_name) FROM memory_embeddings") == [MODEL]
    assert await others(rae_pool, tenant) == before
    assert await fetch(rae_pool, "SELECT * FROM memories ORDER BY id") == whole
    assert [request["encoding_format"] for request in endpoint.requests] == ["float"]


async def test_embedding_twice_is_embedding_once(rae_pool, tenant, make_worker, endpoint):
    ids = await remember(rae_pool, tenant, *TEXTS)
    await embed_due(make_worker(rae_pool), tenant)
    stored = await fetch(rae_pool, "SELECT * FROM memory_embeddings ORDER BY id")
    assert await due_embeddings(rae_pool, tenant, settings=make_worker(rae_pool).settings) == []
    again = await make_worker(rae_pool).embed(tenant, ids)
    assert (again.embedded, again.input_tokens, len(endpoint.requests)) == (3, 0, 1)
    assert await fetch(rae_pool, "SELECT * FROM memory_embeddings ORDER BY id") == stored


async def test_a_store_without_the_table_keeps_vectors_in_the_column(rae_pool, tenant, make_worker, endpoint):
    await execute(rae_pool, "DROP TABLE memory_embeddings")
    await remember(rae_pool, tenant, *TEXTS)
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 3
    rows = await fetch(rae_pool, "SELECT content, embedding::real[] AS vector FROM memories")
    assert {row["content"]: row["vector"] for row in rows} == {text: nearly(text) for text in TEXTS}
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 0
    assert len(endpoint.requests) == 1


async def test_texts_go_out_in_batches_each_paid_once(rae_pool, tenant, make_worker, endpoint):
    await remember(rae_pool, tenant, *(f"Summary {n} of a session." for n in range(150)))
    worker = make_worker(rae_pool)
    embedded = [(await embed_due(worker, tenant)).embedded for _ in range(4)]
    assert embedded == [BATCH, BATCH, 22, 0]
    assert list(map(len, endpoint.embedded)) == [BATCH, BATCH, 22]
    assert len(await vectors(rae_pool)) == 150
    assert await budgets_agree_with_the_ledger(rae_pool)


async def test_memories_with_the_same_text_share_one(rae_pool, tenant, make_worker, endpoint):
    await remember(rae_pool, tenant, TEXTS[0], TEXTS[0], TEXTS[1])
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 3
    assert [len(texts) for texts in endpoint.embedded] == [2]
    assert await fetch_value(rae_pool, "SELECT count(*) FROM memory_embeddings") == 3


async def test_only_derived_memories_of_the_tenant_that_say_something_are_due(rae_pool, tenant, make_worker):
    other = str(uuid4())
    await write(rae_pool, tenant, talk(3))
    await remember(rae_pool, other, "Another tenant's summary.")
    await remember(rae_pool, tenant, " \n\t ")
    [ours] = await remember(rae_pool, tenant, "A reflection.", source="reflection_engine_v2")
    settings = make_worker(rae_pool).settings
    assert await due_embeddings(rae_pool, tenant, settings=settings) == [ours]
    assert await missing_counts(rae_pool, [tenant, other, str(uuid4())], settings=settings) == {tenant: 1, other: 1}


@pytest.mark.parametrize("table", ["memory_embeddings", "memories"])
@pytest.mark.parametrize(
    ("deployment", "own", "sent"),
    [
        pytest.param("", None, 2, id="nothing is excluded"),
        pytest.param("confidential,restricted", None, 1, id="by the deployment"),
        pytest.param("", ["confidential", "restricted"], 1, id="by the tenant"),
        pytest.param("confidential,restricted", [], 2, id="the tenant lets it in again"),
    ],
)
async def test_a_text_of_an_excluded_class_is_not_sent_to_be_embedded(
    rae_pool, tenant, make_worker, endpoint, table, deployment, own, sent
):
    if table == "memories":
        await execute(rae_pool, "DROP TABLE memory_embeddings")
    [secret] = await remember(rae_pool, tenant, TEXTS[0])
    await remember(rae_pool, tenant, TEXTS[1])
    await execute(rae_pool, "UPDATE memories SET info_class = 'confidential' WHERE id = $1", secret)
    if own is not None:
        await override(rae_pool, tenant, {"model_excluded_classes": own})
    worker = make_worker(rae_pool, model_excluded_classes=deployment)
    assert await missing_counts(rae_pool, [tenant], settings=worker.settings) == {tenant: sent}
    effective = (await load_tenant(rae_pool, tenant, worker.settings)).settings
    due = await due_embeddings(rae_pool, tenant, settings=effective)
    assert len(due) == sent
    await patiently(lambda: worker.embed(tenant, due))
    assert [len(texts) for texts in endpoint.embedded] == [sent]
    assert TEXTS[0] not in str(endpoint.requests) or sent == 2


async def test_the_next_due_ones_come_after_the_last_one_seen(rae_pool, tenant, make_worker):
    ids = sorted(await remember(rae_pool, tenant, *TEXTS))
    settings = make_worker(rae_pool).settings
    assert await due_embeddings(rae_pool, tenant, settings=settings, limit=2) == ids[:2]
    assert await due_embeddings(rae_pool, tenant, settings=settings, after=ids[1]) == ids[2:]


async def test_a_vector_of_another_model_does_not_count(rae_pool, tenant, make_worker):
    await remember(rae_pool, tenant, TEXTS[0])
    await embed_due(make_worker(rae_pool), tenant)
    await pass_time(rae_pool, timedelta(minutes=5))  # else it might be a caller who read the text before
    other = make_worker(rae_pool, embedding_name="default")
    assert (await embed_due(other, tenant)).embedded == 1
    names = "SELECT array_agg(model_name ORDER BY model_name) FROM memory_embeddings"
    assert await fetch_value(rae_pool, names) == ["default", MODEL]


async def test_a_rewritten_summary_is_embedded_again(rae_pool, tenant, make_worker, endpoint):
    [memory] = await remember(rae_pool, tenant, "Mara ordered a tent.")
    await embed_due(make_worker(rae_pool), tenant)
    await rewrite(rae_pool, tenant, memory, "Mara returned the tent.")
    assert await vectors(rae_pool) == {}
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 1
    assert await vectors(rae_pool) == {"Mara returned the tent.": nearly("Mara returned the tent.")}
    assert len(endpoint.requests) == 2


async def test_a_vector_of_a_text_that_was_rewritten_meanwhile_is_not_stored(rae_pool, tenant, make_worker, endpoint):
    [memory] = await remember(rae_pool, tenant, "Mara ordered a tent.")
    held = asyncio.create_task(embed_due(make_worker(rae_pool), tenant))
    endpoint.script(embeddings({"input": ["Mara ordered a tent."], "model": MODEL}, way="hang"))
    await endpoint.arrived()
    await rewrite(rae_pool, tenant, memory, "Mara returned the tent.")
    endpoint.let_go()
    outcome = await held
    assert (outcome.embedded, outcome.failed) == (0, 0)
    assert await vectors(rae_pool) == {}
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 1


# --- paid once, whoever dies or hurries ---------------------------------------------------------


async def test_two_that_embed_the_same_at_once_make_one_call(rae_pool, tenant, make_worker, endpoint):
    endpoint.otherwise = partial(embeddings, way="hang")
    ids = await remember(rae_pool, tenant, *TEXTS)
    first = asyncio.create_task(make_worker(rae_pool).embed(tenant, ids))
    await endpoint.arrived()

    async def until_the_first_is_done(_):
        endpoint.let_go()
        await asyncio.wait([first])

    second = make_worker(rae_pool)
    outcomes = [await patiently(lambda: second.embed(tenant, ids), until_the_first_is_done), await first]
    assert [(one.embedded, one.input_tokens) for one in outcomes] == [(3, 0), (3, 30)]
    assert len(endpoint.requests) == 1
    assert await budgets_agree_with_the_ledger(rae_pool)


async def test_who_read_the_texts_before_their_vectors_were_stored_looks_again(rae_pool, tenant, make_worker, endpoint):
    await remember(rae_pool, tenant, TEXTS[0])
    await embed_due(make_worker(rae_pool), tenant)
    late = make_worker(rae_pool).embedder
    with pytest.raises(QuestionClaimedError):
        await late.embed(tenant, {text_hash(TEXTS[0]): TEXTS[0]}, attempt_group="late")
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("step", ["record", "settle"])
@pytest.mark.parametrize("changed", [False, True], ids=["the same batch", "another batch"])
async def test_what_reached_the_ledger_is_not_paid_again_after_a_crash(
    rae_pool, tenant, make_worker, endpoint, step, changed
):
    ids = await remember(rae_pool, tenant, *TEXTS)
    with pytest.raises(Killed):
        await embed_due(_dying_after(make_worker(rae_pool), step), tenant)
    assert await vectors(rae_pool) == {}
    if changed:
        await rewrite(rae_pool, tenant, ids[0], "Mara returned the tent.")
        await remember(rae_pool, tenant, "The courier came late.")
    outcome = await embed_due(make_worker(rae_pool), tenant)
    assert (outcome.embedded, outcome.input_tokens) == ((4, 50) if changed else (3, 30))
    assert {text: nearly(text) for text in TEXTS[1:]}.items() <= (await vectors(rae_pool)).items()
    sent = [text for texts in endpoint.embedded for text in texts]
    assert len(sent) == len(set(sent)) == (5 if changed else 3)
    assert await fetch_value(rae_pool, "SELECT count(*) FROM maintenance.model_calls WHERE response IS NOT NULL") == 0
    assert await budgets_agree_with_the_ledger(rae_pool)


async def test_a_crash_before_the_ledger_costs_the_one_claim(rae_pool, tenant, make_worker, endpoint):
    await remember(rae_pool, tenant, *TEXTS)
    with pytest.raises(Killed):
        await embed_due(_dying_after(make_worker(rae_pool), "claim"), tenant)
    await pass_time(rae_pool, timedelta(minutes=5))
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 3
    assert (await fetch_value(rae_pool, STATES), len(endpoint.requests)) == (["lost", "accepted"], 1)


async def test_a_retry_reports_what_the_first_attempt_embedded(rae_pool, tenant, make_worker):
    ids = await remember(rae_pool, tenant, *TEXTS)
    await embed_due(make_worker(rae_pool), tenant)
    assert (await make_worker(rae_pool).embed(tenant, ids)).embedded == 3


async def test_the_vectors_leave_the_ledger_and_their_cost_stays(rae_pool, tenant, make_worker):
    await remember(rae_pool, tenant, *TEXTS)
    await embed_due(make_worker(rae_pool, model_prices=f"{MODEL}=0.02/0"), tenant)
    [row] = await fetch(rae_pool, "SELECT * FROM maintenance.model_calls")
    assert (row["purpose"], row["model"], row["state"], row["response"]) == ("embedding", MODEL, "accepted", None)
    assert (row["input_tokens"], row["output_tokens"], row["cost"]) == (30, 0, Decimal("0.0000006"))


def _dying_after(worker, step):
    class Dying(Ledger):
        async def claim(self, *args):
            return self._die_after("claim", await super().claim(*args))

        async def record(self, *args):
            return self._die_after("record", await super().record(*args))

        async def settle(self, *args, **kwargs):
            return self._die_after("settle", await super().settle(*args, **kwargs))

        def _die_after(self, name, result):
            if name == step:
                raise Killed
            return result

    model = worker.embedder.model
    ledger = Dying(model.ledger.pool, model.ledger.limits, model.ledger.lease)
    return replace(worker, embedder=replace(worker.embedder, model=replace(model, ledger=ledger)))


# --- what goes wrong ----------------------------------------------------------------------------


async def test_a_column_for_another_size_is_reported_once_and_nothing_is_paid_again(
    rae_pool, tenant, make_worker, endpoint
):
    if not await fetch_value(rae_pool, "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"):
        pytest.skip("this server has no pgvector")
    await execute(rae_pool, "ALTER TABLE memory_embeddings ALTER embedding TYPE vector(1536)")
    await remember(rae_pool, tenant, *TEXTS)
    with capture_logs() as logs:
        outcomes = [await embed_due(make_worker(rae_pool), tenant) for _ in range(2)]
    assert [(one.embedded, one.failed, one.reasons) for one in outcomes] == [(0, 3, {"wrong_dimension": 3})] * 2
    assert "1536" in next(log["explanation"] for log in logs if log["event"] == "embeddings_not_stored")
    assert len(endpoint.requests) == 1
    assert await fetch_value(rae_pool, "SELECT count(*) FROM memories") == 3
    await execute(rae_pool, "ALTER TABLE memory_embeddings ALTER embedding TYPE vector(4)")
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 3
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("table", ["memory_embeddings", "memories"])
async def test_vectors_of_two_sizes_are_never_mixed(rae_pool, tenant, make_worker, table):
    if table == "memories":
        await execute(rae_pool, "DROP TABLE memory_embeddings")
        await write(rae_pool, tenant, talk(1))
        await execute(rae_pool, "UPDATE memories SET embedding = '{1,2}'::real[]")
    else:
        [memory] = await write(rae_pool, tenant, talk(1))
        insert = "INSERT INTO memory_embeddings (memory_id, model_name, embedding) VALUES ($1, $2, '{1,2}'::real[])"
        await execute(rae_pool, insert, memory, MODEL)
    await remember(rae_pool, tenant, *TEXTS)
    assert (await embed_due(make_worker(rae_pool), tenant)).reasons == {"wrong_dimension": 3}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(unauthorized(), "credentials", id="401"),
        pytest.param(insufficient_quota(), "quota", id="quota"),
        pytest.param(status(404), "unknown_model", id="no such model"),
        pytest.param(status(501), "bad_request", id="a server without embeddings"),
        pytest.param(Reply(body=b'{"data": [], "usage": null}'), "off_schema", id="no vectors"),
        pytest.param(embeddings({"input": ["one"], "model": MODEL}), "off_schema", id="one vector for three texts"),
        pytest.param(Reply(body=b'{"data": [{"index": 0, "embedding": [1, NaN]}]}'), "off_schema", id="not a number"),
    ],
)
async def test_a_failing_endpoint_is_a_reason_and_the_work_stays_due(
    rae_pool, tenant, make_worker, endpoint, reply, reason
):
    endpoint.otherwise = reply
    ids = await remember(rae_pool, tenant, *TEXTS)
    worker = make_worker(rae_pool)
    outcome = await embed_due(worker, tenant)
    assert (outcome.embedded, outcome.failed, outcome.reasons) == (0, 3, {reason: 3})
    assert await due_embeddings(rae_pool, tenant, settings=worker.settings) == sorted(ids)
    assert await fetch_value(rae_pool, "SELECT count(*) FROM memories WHERE content <> ''") == 3


@pytest.mark.parametrize("reply", [status(500), status(429, retry_after=1), html(), Reply(body=b'{"data": [{"ind')])
async def test_a_busy_endpoint_is_asked_again(rae_pool, tenant, make_worker, endpoint, reply):
    endpoint.script(reply)
    ids = await remember(rae_pool, tenant, *TEXTS)
    with pytest.raises(ModelBusyError):
        await make_worker(rae_pool).embed(tenant, ids)
    assert (await make_worker(rae_pool).embed(tenant, ids)).embedded == 3


async def test_one_text_that_is_refused_does_not_keep_the_others_out(rae_pool, tenant, make_worker, endpoint):
    def picky(request):
        bad = any("forbidden" in text for text in request["input"])
        return status(400, error_code="content_filter") if bad else embeddings(request)

    endpoint.otherwise = picky
    await remember(rae_pool, tenant, *(f"Summary {n}." for n in range(20)), "A forbidden word.")
    outcome = await embed_due(make_worker(rae_pool), tenant)
    assert (outcome.embedded, outcome.failed, outcome.reasons) == (20, 1, {"filtered": 1})


async def test_a_text_that_is_too_long_is_found_by_its_beginning(rae_pool, tenant, make_worker, endpoint):
    def small(request):
        return context_length() if max(map(len, request["input"])) > 1000 else embeddings(request)

    endpoint.otherwise = small
    await remember(rae_pool, tenant, *TEXTS, "The tent leaks. " * 500)
    assert (await embed_due(make_worker(rae_pool), tenant)).embedded == 4
    beginning = ("The tent leaks. " * 500)[:1000]
    assert [beginning] in endpoint.embedded
    assert (await vectors(rae_pool))["The tent leaks. " * 500] == nearly(beginning)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        pytest.param({"model_daily_tokens_per_tenant": 70}, "budget_exhausted", id="a small budget"),
        pytest.param({"model_daily_tokens": 0}, "budget_exhausted", id="no budget at all"),
        pytest.param({"embedding_model": None}, "no_embedding_model", id="no model"),
        pytest.param({"openai_base_url": None}, "no_embedding_model", id="no endpoint"),
    ],
)
async def test_what_may_not_be_sent_is_skipped_with_a_reason(rae_pool, tenant, make_worker, endpoint, chosen, reason):
    ids = await remember(rae_pool, tenant, *TEXTS)
    outcome = await make_worker(rae_pool, **chosen).embed(tenant, ids)
    assert (outcome.skipped, outcome.reasons, endpoint.requests) == (3, {reason: 3}, [])


async def test_a_paused_tenant_is_left_alone(rae_pool, tenant, make_worker, endpoint):
    ids = await remember(rae_pool, tenant, *TEXTS)
    await pause(rae_pool, tenant)
    assert (await make_worker(rae_pool).embed(tenant, ids)).paused
    assert endpoint.requests == []


async def test_a_store_that_keeps_no_vectors_has_nothing_due(pool, make_worker, endpoint):
    ids = await remember(pool, "acme", *TEXTS)
    worker = make_worker(pool)
    assert await due_embeddings(pool, "acme", settings=worker.settings) == []
    assert await missing_counts(pool, ["acme"], settings=worker.settings) == {}
    assert await Embedding(Tools(pool, worker.settings)).unavailable() == "no_vector_column"
    assert (await worker.embed("acme", ids)).reasons == {"no_vector_column": 3}
    assert endpoint.requests == []


async def test_no_text_reaches_a_log(rae_pool, tenant, make_worker, endpoint):
    endpoint.script(unauthorized())
    await remember(rae_pool, tenant, "The canary sings.")
    with capture_logs() as logs:
        await embed_due(make_worker(rae_pool), tenant)
        await execute(rae_pool, "DELETE FROM maintenance.model_breaker")
        await embed_due(make_worker(rae_pool), tenant)
    assert {"memories_embedded", "model_answer_accepted"} <= {log["event"] for log in logs}
    assert "canary" not in str(logs)
