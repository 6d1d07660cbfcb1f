"""An address of the wrong form is named before any server is asked."""

import pytest

WRONG = [
    pytest.param("OPENAI_BASE_URL", "localhost:8000/v1", "begins with http:// or https://", id="no scheme"),
    pytest.param("OPENAI_BASE_URL", "ftp://localhost/v1", "begins with http:// or https://", id="another scheme"),
    pytest.param("OPENAI_BASE_URL", "https://", "names no host", id="no host"),
    pytest.param("OLLAMA_API_URL", "localhost:11434", "begins with http:// or https://", id="Ollama without a scheme"),
    pytest.param(
        "TEMPORAL_ADDRESS", "http://localhost:7233", "host:port, without http://", id="Temporal with a scheme"
    ),
    pytest.param("TEMPORAL_ADDRESS", "grpc://key@cloud:7233", "host:port, without grpc://", id="Temporal with a key"),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
async def test_it_is_one_line_that_names_the_setting_and_not_the_value(cli, name, value, says):
    told = await cli("tenants", "list", **{name: value})
    assert (told.exit_code, told.stdout) == (1, "")
    [line] = told.stderr.splitlines()
    assert line.startswith(f"error: settings: {name}: ")
    assert says in line
    assert "key@" not in line


@pytest.mark.parametrize("value", ["http://localhost:8000/v1", "https://user:pw@host/v1", ""])
async def test_a_right_one_or_none_is_taken(cli, value):
    assert (await cli("settings", OPENAI_BASE_URL=value)).exit_code == 0
