"""Whatever the environment says, settings load or one line names the variable and repeats no value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings, load_settings
from tests.fuzzing.anything import SECRET, fuzzed

NAMES = sorted(name.upper() for name in Settings.model_fields)
POSSIBLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
VALUES = POSSIBLE | st.sampled_from(
    ["", " ", "nan", "inf", "-1", "0", "1", "1e400", "9" * 5000, "true", "off", ",", "=", "a=b,a=b", "em=1,episodic=2"]
    + [
        SECRET,
        f"{SECRET}=1/2",
        f"{SECRET}=x",
        f"x={SECRET}",
        f"http://u:{SECRET}@host:99999/",
        f"postgres://{SECRET}@[",
    ]
)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3))
@fuzzed
def test_any_variable_loads_or_is_named_in_one_line(environment, said):
    with environment.context() as patch:
        for name, value in said.items():
            patch.setenv(name, value)
        try:
            loaded = load_settings()
        except SettingsError as error:
            assert any(name in str(error) for name in said) or "settings: " in str(error)
            assert SECRET not in str(error)
            assert "\n" not in str(error)
            return
    json.dumps(loaded.snapshot(), allow_nan=False)
    assert "\n" not in "".join(loaded.warnings())
    assert 0 <= loaded.base_decay_rate < 1
