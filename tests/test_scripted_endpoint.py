import time
from typing import Any

import pytest
from openai import AsyncOpenAI, RateLimitError

from scripted_endpoint.limits import Limited
from scripted_endpoint.replies import answer

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Well?"}]}


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [
        pytest.param([0.0] * 30, 20, id="a burst of one second's requests"),
        pytest.param([n / 20 for n in range(60)], 60, id="at the rate"),
        pytest.param([0.0] * 30 + [1.0] * 30, 40, id="a second later as many again"),
        pytest.param([0.0, *[100.0] * 30], 21, id="a pause saves no more than one second's requests"),
    ],
)
def test_what_is_above_the_rate_is_refused(seconds, taken):
    now = iter([0.0, *seconds])
    limited = Limited(lambda _: answer(), rate=20, clock=lambda: next(now))
    replies = [limited(ASKED) for _ in seconds]
    assert [reply.status for reply in replies].count(200) == taken
    assert limited.refused == len(seconds) - taken


async def test_a_client_waits_for_an_answer_and_is_refused_above_the_limit(endpoint):
    endpoint.otherwise = Limited(lambda _: answer("Well."), rate=1, seconds=0.05)
    began = time.monotonic()
    async with AsyncOpenAI(base_url=endpoint.base_url, api_key="none", max_retries=0) as client:
        completion = await client.chat.completions.create(**ASKED)
        assert time.monotonic() - began >= 0.05
        with pytest.raises(RateLimitError):
            await client.chat.completions.create(**ASKED)
    assert completion.choices[0].message.content == "Well."
    assert (endpoint.requests, endpoint.answers, endpoint.tokens) == ([ASKED, ASKED], 1, 120)
