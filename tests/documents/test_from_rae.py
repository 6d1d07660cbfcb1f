"""Whoever comes from RAE finds every name again, and what is called the same is the same."""

import importlib
import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import memory_maintenance
from memory_maintenance.dreaming.prompt import ReflectionAnswer
from memory_maintenance.rae import context
from memory_maintenance.rae.engine import ReflectionEngineV2
from memory_maintenance.settings import Settings
from memory_maintenance.summarization.prompt import SessionSummaryResponse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "from-rae.md").read_text()


def _names(text: str) -> list[str]:
    return text.split()


# --- RAE's names --------------------------------------------------------------------------------

SETTINGS = _names("""
POSTGRES_HOST POSTGRES_DB POSTGRES_USER POSTGRES_PASSWORD DATABASE_URL QDRANT_HOST QDRANT_PORT QDRANT_URL
RERANKER_API_URL ML_SERVICE_URL MEMORY_API_URL LLM_MODEL GEMINI_API_KEY OPENAI_API_KEY ANTHROPIC_API_KEY
RAE_EMBEDDING_BACKEND RAE_LLM_MODEL_DEFAULT RAE_REFLECTION_STRATEGY OLLAMA_API_BASE OLLAMA_API_URL OLLAMA_HOSTS
RAE_LLM_BACKEND RAE_EMBEDDING_MODEL RAE_MCP_EMBEDDING_TOOL RAE_MCP_SERVER_COMMAND RAE_MCP_SERVER_ARGS
EXTRACTION_MODEL SYNTHESIS_MODEL RAE_VECTOR_BACKEND RAE_RERANKER_BACKEND RAE_RERANKER_API_URL RAE_RERANKER_API_KEY
RAE_RERANKER_MCP_TOOL ONNX_EMBEDDER_PATH RAE_USE_GPU RAE_DB_MODE RAE_PROFILE OAUTH_ENABLED OAUTH_DOMAIN
OAUTH_AUDIENCE TENANCY_ENABLED DEFAULT_TENANT_ALIAS DEFAULT_TENANT_UUID API_KEY ENABLE_API_KEY_AUTH ENABLE_JWT_AUTH
SECRET_KEY ENABLE_RATE_LIMITING RATE_LIMIT_REQUESTS RATE_LIMIT_WINDOW ENABLE_COST_TRACKING ALLOWED_ORIGINS
CELERY_BROKER_URL CELERY_RESULT_BACKEND REDIS_URL MEMORY_RETENTION_DAYS MEMORY_DECAY_RATE
MEMORY_IMPORTANCE_DECAY_ENABLED MEMORY_IMPORTANCE_DECAY_RATE MEMORY_IMPORTANCE_DECAY_SCHEDULE
MEMORY_IMPORTANCE_FLOOR MEMORY_IMPORTANCE_ACCELERATED_THRESHOLD_DAYS MEMORY_IMPORTANCE_PROTECTED_THRESHOLD_DAYS
LOG_LEVEL RAE_APP_LOG_LEVEL OTEL_TRACES_ENABLED REFLECTIVE_MEMORY_ENABLED REFLECTIVE_MEMORY_MODE
REFLECTIVE_MAX_ITEMS_PER_QUERY REFLECTIVE_LESSONS_TOKEN_BUDGET ENABLE_MATH_V3 MATH_V3_W1_RELEVANCE
MATH_V3_W2_IMPORTANCE MATH_V3_W3_RECENCY MATH_V3_W4_CENTRALITY MATH_V3_W5_DIVERSITY MATH_V3_W6_DENSITY
ENABLE_SMART_RERANKER RAE_RERANKER_MODE RERANKER_MODEL_PATH RERANKER_TIMEOUT_MS RERANKER_TOP_K_CANDIDATES
RERANKER_FINAL_K ENABLE_FEEDBACK_LOOP FEEDBACK_POSITIVE_DELTA FEEDBACK_NEGATIVE_DELTA MEMORY_BASE_DECAY_RATE
MEMORY_ACCESS_COUNT_BOOST MEMORY_MIN_DECAY_RATE MEMORY_MAX_DECAY_RATE REFLECTION_MIN_IMPORTANCE_THRESHOLD
REFLECTION_GENERATE_ON_ERRORS REFLECTION_GENERATE_ON_SUCCESS DREAMING_ENABLED DREAMING_LOOKBACK_HOURS
DREAMING_MIN_IMPORTANCE DREAMING_MAX_SAMPLES SUMMARIZATION_ENABLED SUMMARIZATION_MIN_EVENTS
SUMMARIZATION_EVENT_THRESHOLD
""")

CLASSES = _names("""
DecayWorker run_decay_cycle SummarizationWorker summarize_session summarize_long_sessions SessionSummaryResponse
DreamingWorker run_dreaming_cycle MaintenanceScheduler MaintenanceScheduler.create run_daily_maintenance
run_hourly_maintenance run_maintenance_cli ReflectionEngineV2 generate_reflection store_reflection query_reflections
ReflectionContext ReflectionResult LLMReflectionResponse Event EventType OutcomeType ErrorInfo ErrorCategory
ImportanceScoringService decay_importance
""")

TASKS = _names("""
generate_reflection_for_project schedule_reflections apply_memory_decay prune_old_memories cleanup_expired_data_task
rebuild_cache extract_graph_lazy process_graph_extraction_queue run_entity_resolution_task
run_community_detection_task decay_memory_importance_task run_maintenance_cycle_task run_dreaming_task
run_consistency_check_task run_nightly_quality_audit setup_periodic_tasks gdpr_delete_user_data_task
""")

EVENTS = _names("""
decay_cycle_started tenant_decay_completed tenant_decay_failed decay_cycle_completed session_summarization_skipped
session_summarization_started session_summarization_completed session_summarization_failed llm_summarization_failed
long_session_summarization_started long_session_summarization_completed dreaming_cycle_skipped
dreaming_cycle_started dreaming_analyzing_memories dreaming_cycle_completed dreaming_cycle_failed
daily_maintenance_started running_decay_cycle dreaming_failed_for_tenant dreaming_skipped
daily_maintenance_completed daily_maintenance_failed hourly_maintenance_started decay_task_started
decay_processing_all_tenants decay_tenant_complete decay_tenant_failed decay_task_complete decay_task_fatal_error
invalid_tenant_id_format maintenance_cycle_complete maintenance_cycle_failed dreaming_task_skipped
dreaming_task_complete applying_importance_decay auto_archive_complete auto_archiving_low_importance
decay_importance_skipped importance_boosted importance_calculated importance_decay_complete importance_decay_failed
recalculating_all_scores recalculation_complete scoring_weights_not_normalized reflection_generated
reflection_generation_failed reflection_generation_started reflection_stored strategy_stored
consistency_check_task_complete consistency_check_task_failed extract_graph_lazy_rate_limit_delay
gdpr_deletion_complete gdpr_deletion_failed gdpr_deletion_started lazy_graph_extraction_complete
lazy_graph_extraction_failed lazy_graph_triples_stored nightly_audit_delegated nightly_audit_failed
nightly_audit_git_diff_failed nightly_audit_skipped pruned_old_memories retention_cleanup_complete
retention_cleanup_failed retention_cleanup_started scheduled_lazy_extraction
""")

RESULTS = _names("""
total_tenants total_updated tenants_processed reflections_generated skipped reason started_at completed_at config error id
content reflection_id strategy_id
""")

METRICS = _names("""
rae_reflective_decay_updated_total rae_reflective_decay_duration_seconds
rae_reflective_dreaming_reflections_generated rae_reflective_dreaming_episodes_analyzed
rae_reflective_dreaming_duration_seconds rae_reflective_summarization_summaries_created
rae_reflective_summarization_events_summarized rae_reflective_summarization_duration_seconds
rae_reflective_context_reflections_retrieved rae_reflective_mode rae_reflective_flags rae_cost_llm_total_usd
rae_cost_llm_daily_usd rae_cost_llm_tokens_used rae_cost_llm_calls_total rae_cost_cache_saved_usd
rae_cost_budget_rejections_total rae_uptime_seconds rae_memory_count_total rae_sync_last_success_timestamp
rae_active_sessions rae_reflection_processing_seconds rae_api_requests_total rae_errors_total
rae_cost_llm_monthly_usd rae_cost_tokens_per_call
""")

SECTIONS = {
    "Settings": SETTINGS,
    "Classes and functions": CLASSES,
    "Results": RESULTS,
    "Tasks": TASKS,
    "Log events": EVENTS,
    "Metrics": METRICS,
}

# --- where they are -----------------------------------------------------------------------------


def rows(section: str) -> dict[str, str]:
    """Where each name of RAE's is, as the table of *section* says."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in re.findall(r"^\| (`.+)$", text, re.MULTILINE):
        there, here, *_ = re.split(r"(?<!\\)\|", line)
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", there), here.strip())
    return found


def kept(section: str) -> list[str]:
    return [name for name, here in rows(section).items() if here == "the same"]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_name_of_rae_has_its_row_and_no_row_is_of_another(section):
    assert set(rows(section)) == set(SECTIONS[section])


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_says_where(section):
    assert [name for name, here in rows(section).items() if not here] == []


def test_only_a_setting_that_is_read_counts_as_one():
    read = {name for name in SETTINGS if name.lower() in Settings.model_fields}
    assert set(kept("Settings")) == read
    assert {name for name, here in rows("Settings").items() if here == "not read"} == set(SETTINGS) - read


def test_a_setting_that_replaces_another_exists():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE))
    assert {name for name in named - set(SETTINGS) if name.lower() not in Settings.model_fields} == set()


def test_raes_spelling_of_a_log_level_is_understood(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    assert Settings(_env_file=None).log_level == "warning"


def test_a_class_or_method_that_is_the_same_is_there():
    public = [getattr(memory_maintenance, name) for name in memory_maintenance.__all__]
    owners = [memory_maintenance, context, *public]
    there = {name for name in CLASSES if any(hasattr(owner, name) for owner in owners)}
    assert set(kept("Classes and functions")) == there | {SessionSummaryResponse.__name__}
    assert ReflectionEngineV2 in public
    assert f"`{ReflectionAnswer.__name__}`" in rows("Classes and functions")["LLMReflectionResponse"]


def test_a_module_that_the_page_names_is_there():
    named = set(re.findall(r"`(memory_maintenance(?:\.[a-z_]+)+)`", PAGE))
    assert named
    for module in named:
        assert importlib.import_module(module).__name__ == module


def test_an_event_that_is_the_same_is_logged_and_no_other_is():
    packages = [ROOT / name for name in ("memory_maintenance", "activities", "workflows", "runtime")]
    code = "\n".join(path.read_text() for package in packages for path in package.rglob("*.py"))
    logged = {name for name in EVENTS if re.search(rf'"{name}"', code)}
    assert set(kept("Log events")) == logged


def test_an_event_that_replaces_another_is_logged():
    code = "\n".join(path.read_text() for path in (ROOT / "memory_maintenance").rglob("*.py"))
    for here in rows("Log events").values():
        for name in re.findall(r"`([a-z_]+)`", here):
            assert f'"{name}"' in code


def test_a_metric_that_is_the_same_or_replaces_another_is_served():
    assert set(kept("Metrics")) == {"rae_reflective_decay_updated_total", "rae_reflective_decay_duration_seconds"}
    asked = [*kept("Metrics"), *re.findall(r"`(memory_maintenance_[a-z_]+)", PAGE.partition("## Metrics")[2])]
    served = {metric.name for metric in REGISTRY.collect()}
    assert {name.removesuffix("_total") for name in asked} - served == set()
