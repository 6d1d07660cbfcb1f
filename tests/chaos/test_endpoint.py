import asyncio
import json
from collections import Counter

import pytest

from chaos.endpoint import SHARES, Endpoint
from chaos.processes import EndpointProcess


def test_it_misbehaves_in_its_stated_shares():
    endpoint = Endpoint("7")
    ways = Counter(endpoint.way(str(n)) for n in range(20_000))
    for way, share in SHARES.items():
        assert ways[way] / 20_000 == pytest.approx(share, abs=0.006)


def test_the_seed_and_how_often_a_prompt_came_decide():
    first, again, other = ([endpoint.way("same") for _ in range(200)] for endpoint in map(Endpoint, "778"))
    assert first == again != other
    assert len(set(first)) > 3


async def test_a_process_answers_bills_and_calms_down(tmp_path):
    endpoint = await EndpointProcess.started(tmp_path, 7)
    await endpoint.calm()
    request = json.dumps(
        {"messages": [{"content": "about zqbababababa and zqdobababada"}], "response_format": {"name": "Summary"}}
    )
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(request)}\r\n\r\n{request}".encode())
        answer = await reader.read()
        writer.close()
        content = json.loads(answer.partition(b"\r\n\r\n")[2])["choices"][0]["message"]["content"]
        assert "zqbababababa" in json.loads(content)["summary"]
    bill = await endpoint.bill()
    await endpoint.stop()
    assert bill == {"ways": {"good": 2}, "answers": 2, "distinct": 1, "tokens": 240}
