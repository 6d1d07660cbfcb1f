"""How good are the summaries? Per writer: what passes the measures, what is kept of the sources, what it costs.

    python -m benchmarks.quality                          without a model: extractive, and RAE's fallback
    python -m benchmarks.quality --small-model --limit 8  and the small real model of the tests
    python -m benchmarks.quality --endpoint --limit 5     and the endpoint that the settings name: this costs money
    python -m benchmarks.quality --memories FILE          over your own memories in place of the samples

Everything but the seconds and what a model writes is the same in every run. A model writes into a store
of its own, which is thrown away afterwards: never into yours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from benchmarks.found_again import FoundAgain, found_again
from benchmarks.model_writer import ModelRun, scratch_store, small_model, summarized
from benchmarks.quality_report import WriterReport, as_json, as_markdown
from benchmarks.session_files import SessionEvents, SessionFile, read_sessions, spread
from benchmarks.summary_quality import Judged, judged
from memory_maintenance.errors import MaintenanceError, SettingsError
from memory_maintenance.memories.memory import Memory
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings, load_settings
from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.summarization.policy import fallback_text
from memory_maintenance.summarization.prompt import SESSION_SYSTEM, event_lines
from memory_maintenance.texts.cleaning import clean

SMALL_MODEL: Final = "SmolLM2-135M"
