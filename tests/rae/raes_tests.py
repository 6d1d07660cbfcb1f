"""RAE's own tests of its workers, flags and reflection engine at commit 3243807c, and what each of them is here.

A test here names the one of RAE's that expects the same with ``like``. What is not expected here has a reason.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

_RETRIEVAL: Final = "the agent's retrieval, which stays RAE's"

NAMES: Final = """
tests/integration/test_decay_worker.py
    basic_cycle with_access_stats multiple_tenants importance_floor error_handling get_all_tenants empty_database
    preserves_metadata
tests/integration/test_dreaming_worker.py
    basic_cycle disabled insufficient_memories lookback_window importance_filter max_samples_limit error_handling
    no_recent_memories
apps/memory_api/tests/test_summarization_worker.py
    summarize_session_llm summarize_long_sessions
apps/memory_api/tests/test_workers.py
    decay_worker_run_decay_cycle decay_worker_run_decay_cycle_error hourly_maintenance summarize_session_success
    summarize_session_insufficient_events summarize_session_disabled summarize_long_sessions dreaming_cycle_success
    dreaming_cycle_disabled dreaming_cycle_insufficient_memories daily_maintenance daily_maintenance_dreaming_disabled
apps/memory_api/tests/test_reflective_flags.py
    reflective_memory_disabled_no_reflections reflective_memory_enabled_retrieves_reflections
    lite_mode_uses_lower_limits full_mode_uses_higher_limits dreaming_disabled_no_dreaming
    dreaming_enabled_runs_dreaming summarization_disabled_no_summary summarization_enabled_creates_summary
    maintenance_with_all_flags_disabled maintenance_with_all_flags_enabled
apps/memory_api/tests/services/test_reflection_engine_v2.py
    generate_reflection_success generate_reflection_failure generate_reflection_partial format_events
    store_reflection store_reflection_no_strategy query_reflections error_handling
tests/integration/test_reflection_flow.py
    generate_reflection_from_failure generate_reflection_from_success reflection_retrieval_in_context
    szubar_strategy_failure_injection math_fallback_no_llm memory_scoring_v2 inject_reflections_into_prompt
    end_to_end_reflection_flow
apps/memory_api/tests/test_background_tasks.py
    apply_decay_updates_strength decay_task_all_tenants
apps/memory_api/tests/services/test_importance_scoring_coverage.py
    decay_importance
"""

OTHERWISE: Final = {
    "test_reflective_flags.py::reflective_memory_disabled_no_reflections": _RETRIEVAL,
    "test_reflective_flags.py::reflective_memory_enabled_retrieves_reflections": _RETRIEVAL,
    "test_reflective_flags.py::lite_mode_uses_lower_limits": _RETRIEVAL,
    "test_reflective_flags.py::full_mode_uses_higher_limits": _RETRIEVAL,
    "test_reflection_flow.py::szubar_strategy_failure_injection": _RETRIEVAL,
    "test_reflection_flow.py::math_fallback_no_llm": _RETRIEVAL,
    "test_reflection_flow.py::memory_scoring_v2": _RETRIEVAL,
    "test_reflection_flow.py::inject_reflections_into_prompt": _RETRIEVAL,
    "test_background_tasks.py::apply_decay_updates_strength": "strength is not touched: it fell by 99 % every hour",
}
"""Why a test of RAE's is not one here."""

LIKE: Final[dict[str, str]] = {}
"""The test here that expects what one of RAE's does."""


def raes_tests() -> list[str]:
    """Return every test of RAE's that this is about, as ``file::name``."""
    found: list[str] = []
    file = ""
    for line in NAMES.strip().splitlines():
        if line.startswith(" "):
            found += [f"{file}::{name}" for name in line.split()]
        else:
            file = line.rpartition("/")[2]
    return found


def like(*names: str) -> Callable[[Test], Test]:
    """Mark a test as expecting what those of RAE's expect."""

    def mark(test: Test) -> Test:
        LIKE.update(dict.fromkeys(names, test.__name__))
        return test

    return mark
