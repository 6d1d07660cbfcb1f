"""Memories go to the configured endpoint and nowhere else, and its answers are read within bounds."""

import gzip
import tracemalloc

import pytest
from pydantic import SecretStr

from memory_maintenance.errors import ModelBusyError, ModelForbiddenError
from memory_maintenance.inspection.model_health import model_checks
from memory_maintenance.writers.model.embedder import open_embedder
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import Reply, answer, embeddings
from scripted_endpoint.server import ScriptedEndpoint
from tests.writers.model.conftest import budgets_agree_with_the_ledger, question, rows

MEGABYTE = 1_000_000
REDIRECTS = [301, 302, 303, 307, 308]


@pytest.fixture
async def stranger():
    """Another host that would answer."""
    async with ScriptedEndpoint(lambda request: embeddings(request) if "input" in request else answer()) as other:
        yield other


@pytest.fixture
async def make_embedder(settings, pool):
    opened = []

    def make(**changes):
        embedder = open_embedder(settings.model_copy(update={"embedding_model": "small", **changes}), pool)
        assert embedder
        opened.append(embedder)
        return embedder

    yield make
    for embedder in opened:
        await embedder.close()


def asked_of(model, make_embedder, kind, **changes):
    """Return what asks the endpoint once, for a summary or for vectors."""
    if kind == "summary":
        return model.ask(question())
    return make_embedder(**changes).embed("acme", {"a": "a text"}, attempt_group="cycle-1")


@pytest.mark.parametrize("kind", ["summary", "vectors"])
@pytest.mark.parametrize("code", REDIRECTS)
async def test_a_redirect_is_not_followed_and_the_work_stays_due(
    pool, model, make_embedder, endpoint, stranger, code, kind
):
    endpoint.otherwise = scripted.redirect(code, f"{stranger.base_url}/chat/completions")
    with pytest.raises(ModelForbiddenError, match="OPENAI_BASE_URL to the final address"):
        await asked_of(model, make_embedder, kind)
    assert stranger.requests == []
    assert len(endpoint.requests) == 1
    assert await rows(pool, "state", "reason", "forfeited_tokens") == [("waiting", "misconfigured", 0)]
    assert await budgets_agree_with_the_ledger(pool)


@pytest.fixture
def proxy_of_the_environment(monkeypatch, stranger):
    """Let the environment name a proxy that would answer."""
    address = stranger.base_url.removesuffix("/v1")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, address)
        monkeypatch.setenv(name.lower(), address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.mark.usefixtures("proxy_of_the_environment")
@pytest.mark.parametrize("kind", ["summary", "vectors"])
async def test_a_proxy_of_the_environment_is_not_used(make_model, make_embedder, endpoint, stranger, kind):
    endpoint.otherwise = stranger.otherwise
    await asked_of(make_model(), make_embedder, kind)
    assert (len(endpoint.requests), len(stranger.requests)) == (1, 0)


@pytest.mark.parametrize("kind", ["summary", "vectors"])
async def test_a_proxy_that_the_settings_name_is_used(make_model, make_embedder, endpoint, stranger, kind):
    proxy = SecretStr(stranger.base_url.removesuffix("/v1"))
    await asked_of(make_model(model_proxy=proxy), make_embedder, kind, model_proxy=proxy)
    assert (len(endpoint.requests), len(stranger.requests)) == (0, 1)


@pytest.mark.usefixtures("proxy_of_the_environment")
async def test_doctor_follows_no_redirect_and_uses_no_proxy(settings, httpserver, stranger):
    to = {"location": f"{stranger.base_url}/models"}
    httpserver.expect_request("/v1/models").respond_with_data("", status=307, headers=to)
    chosen = settings.model_copy(update={"openai_base_url": httpserver.url_for("/v1")})
    checks = [check async for check in model_checks(chosen, ask=False)]
    assert [check.level for check in checks if check.name == "reachable"] == ["failure"]
    assert "redirects" in checks[0].found
    assert stranger.requests == []


FLOODS = [
    pytest.param(scripted.flood(), id="a flood"),
    pytest.param(scripted.flood(500), id="a flood with an error's status"),
    pytest.param(scripted.gzip_bomb(300), id="a gzip bomb of 300 MB"),
]


@pytest.mark.parametrize(("kind", "most"), [("summary", 10 * MEGABYTE), ("vectors", 60 * MEGABYTE)])
@pytest.mark.parametrize("reply", FLOODS)
async def test_more_than_any_answer_can_be_is_not_read(pool, make_model, make_embedder, endpoint, reply, kind, most):
    endpoint.otherwise = reply
    model = make_model()
    await pool.fetchval("SELECT 1")
    tracemalloc.start()
    try:
        with pytest.raises(ModelBusyError, match="more than any answer can be"):
            await asked_of(model, make_embedder, kind)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most
    assert await rows(pool, "state", "reason", "response") == [("waiting", "not_json", None)]


async def test_a_compressed_answer_is_read(model, endpoint):
    whole = answer()
    endpoint.script(Reply(body=gzip.compress(whole.body), headers={"content-encoding": "gzip"}))
    assert (await model.ask(question())).value.summary == scripted.GOOD["summary"]


BROKEN = [
    pytest.param(gzip.compress(answer().body)[:-20], "gzip", "connection_lost", id="a gzip that was cut"),
    pytest.param(answer().body, "gzip", "connection_lost", id="no gzip at all"),
    pytest.param(answer().body, "br", "not_json", id="a compression that was not asked for"),
]


@pytest.mark.parametrize(("body", "encoding", "reason"), BROKEN)
async def test_a_body_that_cannot_be_decompressed_is_a_maintenance_error(model, endpoint, body, encoding, reason):
    endpoint.script(Reply(body=body, headers={"content-encoding": encoding}))
    with pytest.raises(ModelBusyError) as caught:
        await model.ask(question())
    assert caught.value.reason == reason
