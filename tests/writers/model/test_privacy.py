"""No text of a prompt or an answer in logs, errors or metrics, at any level."""

import logging
import traceback

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.observability.logs import quiet_third_party_loggers
from scripted_endpoint import replies as scripted
from scripted_endpoint.replies import GOOD, Reply, answer, status
from tests.writers.model.conftest import SHORT_TIMEOUT, question

CANARY = "canary-3f9c"

LEAKS = [
    pytest.param(answer(dict(GOOD) | {"summary": CANARY}), id="a refused answer"),
    pytest.param(answer(CANARY), id="an answer that is no JSON"),
    pytest.param(answer({"summary": [CANARY]}), id="an answer of another shape"),
    pytest.param(answer(refusal=CANARY), id="a refusal"),
    pytest.param(Reply(body=CANARY.encode()), id="a page"),
    pytest.param(Reply(body=b'{"choices": "' + CANARY.encode()), id="broken JSON"),
    pytest.param(status(400, message=CANARY, param=CANARY, error_code=CANARY, error_type=CANARY), id="400"),
    pytest.param(status(401, message=CANARY), id="401"),
    pytest.param(status(429, message=CANARY, retry_after=CANARY), id="429"),
    pytest.param(status(500, message=CANARY), id="500"),
    pytest.param(scripted.hang(), id="hang"),
    pytest.param(scripted.reset(), id="reset"),
]


@pytest.fixture
def loud(caplog):
    for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    yield caplog
    quiet_third_party_loggers()


@pytest.mark.parametrize("reply", LEAKS)
async def test_no_text_leaves_by_a_log_an_error_or_a_metric(loud, make_model, endpoint, reply):
    model = make_model(**{"model_timeout_seconds": SHORT_TIMEOUT} if reply.way == "hang" else {})
    endpoint.script(reply)
    with capture_logs() as logs, pytest.raises(LanguageModelError) as caught:
        await model.ask(question(prompt=f"{CANARY} {question().prompt}", system=CANARY))
    told = "".join(traceback.format_exception(caught.value))
    assert CANARY not in told + repr(caught.value.args) + repr(vars(caught.value))
    assert caught.value.__cause__ is None
    assert logs
    assert CANARY not in repr(logs) + loud.text + generate_latest().decode()


async def test_a_good_answer_is_logged_by_its_figures(loud, model, endpoint):
    endpoint.script(answer())
    with capture_logs() as logs:
        await model.ask(question())
        await model.ask(question())
    assert [log["event"] for log in logs] == ["model_answer_accepted", "model_answer_reused"]
    assert GOOD["summary"] not in repr(logs) + loud.text


def test_libraries_that_log_requests_are_silent_below_a_warning(loud):
    quiet_third_party_loggers()
    for name in ("openai._base_client", "httpx2", "httpcore2.http11"):
        logging.getLogger(name).debug(CANARY)
        logging.getLogger(name).info(CANARY)
    assert CANARY not in loud.text
