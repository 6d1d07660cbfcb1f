import pytest

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.writers.model.quality import DEFAULT, thresholds


def test_a_threshold_that_is_named_takes_the_place_of_the_measured_one(monkeypatch):
    monkeypatch.setenv("MODEL_QUALITY", "unsupported_words=0.3, fewest_topics=1")
    chosen = thresholds(Settings(_env_file=None))
    assert (chosen.unsupported_words, chosen.fewest_topics, chosen.copied) == (0.3, 1, DEFAULT.copied)


@pytest.mark.parametrize(
    ("given", "named"), [("kindness=0.5", "an unknown name"), ("copied=1.5", "copied"), ("copied=-1", "copied")]
)
def test_an_invalid_threshold_is_refused(monkeypatch, given, named):
    monkeypatch.setenv("MODEL_QUALITY", given)
    with pytest.raises(SettingsError, match=named):
        thresholds(Settings(_env_file=None))
