"""What docs/architecture.md says of ``policy.py``: the pure rule, without clock or I/O."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
POLICIES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("memory_maintenance/**/policy.py")
)
IMPURE = {
    "asyncio", "asyncpg", "dotenv", "httpx2", "logging", "openai", "prometheus_client", "pydantic_settings", "socket",
    "sqlalchemy", "structlog", "temporalio",
}  # fmt: skip
"""What reads the environment, speaks to a server, or writes a log."""

LOADED = "import json, sys; there = set(sys.modules); import {}; print(json.dumps(sorted(set(sys.modules) - there)))"


def test_every_task_of_today_has_a_policy():
    assert {
        f"memory_maintenance.{task}.policy" for task in ("expiry", "decay", "summarization", "dreaming", "embedding")
    } <= {*POLICIES}


@pytest.mark.parametrize("policy", POLICIES)
def test_importing_a_policy_loads_nothing_that_does_io(policy):
    done = subprocess.run([sys.executable, "-c", LOADED.format(policy)], cwd=ROOT, capture_output=True, check=True)
    loaded = json.loads(done.stdout)
    assert policy in loaded
    assert sorted({name.partition(".")[0] for name in loaded} & IMPURE) == []
    assert [name for name in loaded if name.startswith("memory_maintenance.settings")] == []
