"""Writes the table that ``test_counts.py`` holds: ``make counts``."""

from scripted_endpoint.server import ScriptedEndpoint
from tests.counts.measuring import measure_with_model, measure_without_model
from tests.counts.table import FILE, as_toml, recorded


async def test_cycles_without_a_model(temporal, store_url):
    FILE.write_text(as_toml(await measure_without_model(temporal, store_url) | recorded(model=True)))


async def test_cycles_with_a_model(temporal, store_url, endpoint: ScriptedEndpoint):
    FILE.write_text(as_toml(recorded(model=False) | await measure_with_model(temporal, store_url, endpoint)))
