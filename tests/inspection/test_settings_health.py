import re

import pytest

from memory_maintenance.errors import SettingsError
from memory_maintenance.inspection.settings_health import CONTRADICTIONS, OF_RAE, settings_checks, unknown_name
from memory_maintenance.settings import Settings, load_settings
from tests.settings import settings


@pytest.mark.parametrize(
    ("name", "level", "advice"),
    [
        pytest.param("MEMORY_BASE_DECAY_RAT", "warning", "did you mean MEMORY_BASE_DECAY_RATE?", id="a slip"),
        pytest.param(
            "memory_decay_polcy", "warning", "did you mean MEMORY_DECAY_POLICY?", id="a slip in small letters"
        ),
        pytest.param("DATABSE_URL", "warning", "did you mean DATABASE_URL?", id="a slip in a name without our prefix"),
        pytest.param("RAE_API_KEY", "note", "see starter.py settings", id="RAE's, and not for us"),
        pytest.param("MODEL_TEMPERATURE", "note", "see starter.py settings", id="like ours, and none"),
    ],
)
def test_a_name_that_is_never_read_is_reported(name, level, advice):
    found = unknown_name(name)
    assert found is not None
    assert (found.level, found.advice) == (level, advice)


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "MEMORY_DECAY_POLICY", "OPENAI_ORG_ID", "TEMPORAL_CLI_X"])
def test_a_name_that_is_ours_or_somebody_elses_is_not(name):
    assert unknown_name(name) is None


def test_no_setting_is_taken_for_a_slip():
    assert [name for name in Settings.model_fields if unknown_name(name)] == []


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"dreaming_enabled": True, "reflective_memory_enabled": False}, "nothing dreams"),
        ({"rae_llm_backend": "none", "openai_api_key": "k"}, "no model writes"),
        ({"rae_llm_backend": "openai"}, "OpenAI will refuse every call"),
        ({"summarization_event_threshold": 5}, "while they go on"),
        ({"model_daily_tokens": 10}, "MODEL_DAILY_TOKENS_PER_TENANT is above"),
        ({"model_daily_cost": 1}, "MODEL_DAILY_COST_PER_TENANT is above"),
        ({"model_answer_tokens": 1000, "model_context_tokens": 1024}, "more than half"),
        ({"database_url": "postgresql://x", "postgres_host": "y"}, "the first one is used"),
        ({"model_excluded_classes": "confidential"}, "MODEL_EXCLUDED_CLASSES names a class and not every"),
        ({"derivation_excluded_classes": "public"}, "DERIVATION_EXCLUDED_CLASSES names a class and not every"),
        ({"embedding_name": "x"}, "nothing is embedded"),
        ({"maintenance_daily_cron": "off", "maintenance_hourly_cron": "off"}, "nothing runs by itself"),
    ],
)
def test_settings_that_undo_each_other_are_reported(chosen, says):
    found = [check.found for check in settings_checks(settings(**chosen), ()) if check.name == "combination"]
    assert [says in one for one in found] == [True]


def test_every_contradiction_has_its_case_above():
    assert len(CONTRADICTIONS) == 12


@pytest.mark.parametrize(
    ("names", "chosen", "told"),
    [
        pytest.param(["HTTPS_PROXY"], {"openai_api_key": "k"}, 1, id="a proxy that calls do not use"),
        pytest.param(["https_proxy"], {"openai_api_key": "k", "rae_llm_backend": "none"}, 0, id="no one calls"),
        pytest.param(["HTTPS_PROXY"], {"openai_api_key": "k", "model_proxy": "http://p:1"}, 0, id="one was chosen"),
        pytest.param(["NO_PROXY"], {"openai_api_key": "k"}, 0, id="no proxy"),
    ],
)
def test_a_proxy_of_the_environment_that_is_not_used_is_reported(names, chosen, told):
    found = [check for check in settings_checks(settings(**chosen), names) if check.name == "proxy"]
    assert len(found) == told


@pytest.mark.parametrize("address", ["proxy:3128", "ftp://proxy", "http://"])
def test_an_invalid_proxy_is_refused_without_quoting_it(address):
    with pytest.raises(ValueError, match="a proxy is http") as caught:
        settings(model_proxy=address)
    assert address not in str(caught.value).replace("http://host:port", "")


def test_a_name_of_raes_that_means_something_else_is_reported():
    found = [check.found for check in settings_checks(settings(memory_decay_rate=0.01), ()) if check.level == "warning"]
    assert "MEMORY_DECAY_RATE is ignored" in found[0]


def test_the_defaults_need_no_word():
    assert [check.level for check in settings_checks(settings(), ["PATH"])] == ["ok"]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("GEMINI_API_KEY", "OPENAI_BASE_URL"),
        ("ANTHROPIC_API_KEY", "OPENAI_BASE_URL"),
        ("OLLAMA_API_BASE", "OLLAMA_API_URL"),
        ("CELERY_BROKER_URL", "TEMPORAL_ADDRESS"),
        ("MEMORY_IMPORTANCE_DECAY_RATE", "MEMORY_BASE_DECAY_RATE"),
    ],
)
def test_a_setting_of_raes_that_is_not_read_names_what_takes_its_place(name, instead):
    found = unknown_name(name)
    assert found is not None
    assert (found.level, instead in str(found.advice)) == ("note", True)


def test_what_replaces_a_setting_of_raes_exists():
    named = {word for advice in OF_RAE.values() for word in re.findall(r"[A-Z]+_[A-Z_]+", advice)}
    assert {name.lower() for name in named} - Settings.model_fields.keys() == set()


def test_raes_prefix_of_a_model_is_reported():
    named = settings(rae_llm_backend="ollama", rae_llm_model_default="ollama/llama3")
    assert [said for said in named.warnings() if said.endswith("Ollama knows llama3")] != []
    assert settings(rae_llm_backend="ollama", rae_llm_model_default="llama3").warnings() == []


def test_a_backend_of_raes_that_is_not_understood_says_what_to_do(monkeypatch):
    monkeypatch.setenv("RAE_LLM_BACKEND", "gemini")
    with pytest.raises(SettingsError, match=r"it is openai, ollama, extractive or none; .*OPENAI_BASE_URL") as caught:
        load_settings()
    assert str(caught.value).startswith("settings: RAE_LLM_BACKEND: the value is not understood")
