"""The alert rules, the dashboard, and a real Prometheus that scrapes a real worker."""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from temporalio.client import Client

from chaos.ports import free_port
from commands.application import app
from tests.processes.conftest import StartWorker, run_script, servers, start_worker
from tests.watched import DASHBOARD, DEPLOY, RULES, expressions, named, panels
from workflows.options import TASK_QUEUE

__all__ = ["servers", "start_worker"]

PROMETHEUS = DEPLOY / "prometheus"
SAMPLES = str(DEPLOY.parent / "samples" / "memories.jsonl")

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not on the PATH")


@pytest.mark.system
@needs_promtool
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["check", "rules", "alerts.yml"], id="the rules are rules"),
        pytest.param(["test", "rules", "alerts_test.yml"], id="the rules say what they should"),
        pytest.param(["check", "config", "prometheus.yml"], id="the configuration is one"),
    ],
)
def test_promtool_finds_nothing(command):
    done = subprocess.run(["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


POD = {"namespace": "maintenance", "pod": "memory-maintenance-workflows-0-1-0-x"}


@pytest.mark.system
@needs_promtool
@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({"job": "maintenance/memory-maintenance", "container": "worker", **POD}, id="by a PodMonitor"),
        pytest.param({"job": "memory-maintenance"}, id="by Prometheus of compose", marks=pytest.mark.slow),
        pytest.param({"job": "kubernetes-pods", "node": "n1", **POD}, id="by annotations", marks=pytest.mark.slow),
    ],
)
def test_the_rules_say_the_same_with_the_labels_that_a_scrape_adds(tmp_path: Path, labels: dict[str, str]):
    # As text: a series of `0x400` is no hexadecimal number.
    tests = yaml.load((PROMETHEUS / "alerts_test.yml").read_text(), yaml.BaseLoader)  # noqa: S506
    inputs = [one for test in tests["tests"] for one in test["input_series"]]
    bare = [one for one in inputs if "job=" not in one["series"]]
    assert len(bare) > 30
    for one in bare:
        one["series"] = _scraped(one["series"], labels)
    (tmp_path / "alerts_test.yml").write_text(yaml.safe_dump(tests))
    shutil.copy(RULES, tmp_path)
    command = ["promtool", "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _scraped(series: str, labels: dict[str, str]) -> str:
    """Return *series* as Prometheus stores it: with the target's labels, before which its own of these names give way."""
    of_the_sdk = series.startswith("temporal_")
    added = {"instance": "10.0.0.1:9465" if of_the_sdk else "10.0.0.1:9464", **labels}
    if "container" in labels:
        added["endpoint"] = "sdk-metrics" if of_the_sdk else "metrics"
    if of_the_sdk:
        # The SDK's own label is the Temporal namespace.
        added["exported_namespace" if "namespace" in labels else "namespace"] = "default"
        added |= {"service_name": "temporal-core-sdk"}
    name, _, own = series.rstrip("}").partition("{")
    kept = {key for key, _ in re.findall(r'(\w+)="([^"]*)"', own)}
    more = [f'{key}="{value}"' for key, value in added.items() if key not in kept]
    return f"{name}{{{', '.join([own, *more] if own else more)}}}"


def test_every_alert_has_a_unit_test():
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    tests = (PROMETHEUS / "alerts_test.yml").read_text()
    fired = set(re.findall(r"alertname: (\w+)\n +exp_alerts:(?! \[\])", tests))
    assert len(alerts) > 8
    assert alerts == fired


def test_no_rule_and_no_panel_asks_for_a_job_which_every_installation_calls_differently():
    assert [expression for expression in expressions() if re.search(r"job *[=!]", expression)] == []


def test_every_alert_says_what_follows_and_leads_to_its_paragraph_in_the_documents():
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    alerts = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    for alert in alerts:
        says = alert["annotations"]
        assert set(says) == {"summary", "description", "action", "runbook_url"}, alert["alert"]
        assert says["runbook_url"] == f"docs/operations.md#{alert['alert'].lower()}"
        assert alert["alert"].lower() in headings


def test_every_command_that_an_alert_names_exists():
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    told = re.findall(r"starter\.py ([a-z-]+) ?([a-z-]*)", RULES.read_text())
    assert told
    for group, command in told:
        assert group in known
        assert command in getattr(known[group], "commands", {command}), f"{group} {command}"


def test_every_panel_asks_the_chosen_source_at_first_the_provisioned_one_and_has_an_id_of_its_own():
    source = (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    datasource, tenant = _variables()
    assert (datasource["name"], datasource["type"], datasource["query"]) == ("datasource", "datasource", "prometheus")
    assert f"uid: {datasource['current']['value']} " in source
    asking = [tenant, *panels(), *(target for panel in panels() for target in panel["targets"])]
    assert {one["datasource"]["uid"] for one in asking} == {"${datasource}"}
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_a_chosen_tenant_narrows_every_panel_whose_metric_names_tenants():
    _, tenant = _variables()
    assert tenant["query"]["query"] == "label_values(rae_reflective_decay_updated_total, tenant_id)"
    assert (tenant["name"], tenant["allValue"]) == ("tenant", ".*")
    # The metrics of RAE's names are those with a tenant: memory_maintenance/observability/metrics.py.
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    narrowed = [expression for expression in asked if 'tenant_id=~"$tenant"' in expression]
    assert narrowed == [expression for expression in asked if "rae_reflective_" in expression]
    assert len(narrowed) == 2


def test_no_two_panels_cover_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) == 23


# --- a real worker ------------------------------------------------------------------------------


@pytest.fixture
async def watched_worker(temporal: Client, servers: dict[str, str], start_worker: StartWorker) -> dict[str, int]:
    """The ports of a worker that has done a cycle over the samples, and failed a workflow task: it is counted then."""
    ports = {name: free_port() for name in ("METRICS_PORT", "TEMPORAL_METRICS_PORT")}
    await run_script("starter.py", "memories", "import", SAMPLES, **servers)
    await start_worker(**servers, **{name: str(port) for name, port in ports.items()})
    done = await run_script("starter.py", "run", "daily", "--json", **servers)
    assert done.status == 0, done.err
    unknown = await temporal.start_workflow("NoWorkflowOfTheWorker", id="unknown", task_queue=TASK_QUEUE)
    await _until(lambda: _failed_tasks(ports["TEMPORAL_METRICS_PORT"]))
    await unknown.terminate()
    return ports


async def _failed_tasks(port: int) -> bool:
    return "temporal_workflow_task_execution_failed{" in await _get(port, "/metrics")


async def test_a_worker_serves_what_rules_and_dashboard_ask_for(watched_worker: dict[str, int]):
    ours, of_the_sdk = [await _get(port, "/metrics") for port in watched_worker.values()]
    text = ours + of_the_sdk
    served = set(re.findall(r"^([a-z_]+)(?:\{.*\})? ", text, re.MULTILINE))
    # A counter whose labels have not occurred has no series: its name stands there all the same.
    described = set(re.findall(r"^# TYPE ([a-z_]+)", text, re.MULTILINE))
    asked = named()
    assert len(asked) > 20
    assert {name for name in asked - served if name.removesuffix("_bucket") not in described} == set()
    # What a scrape adds replaces a label of the same name: `_scraped` knows which there is.
    added = {"job", "instance", "namespace", "pod", "container", "endpoint", "node"}
    assert added & set(re.findall(r'[{,](\w+)="', ours)) == set()
    assert added & set(re.findall(r'[{,](\w+)="', of_the_sdk)) == {"namespace"}
    assert 'service_name="temporal-core-sdk"' in of_the_sdk


@pytest.mark.system
@needs_prometheus
async def test_prometheus_scrapes_a_worker_and_every_expression_means_something(
    watched_worker: dict[str, int], tmp_path: Path
):
    async with _prometheus(tmp_path, watched_worker) as port:
        await _until(lambda: _query(port, 'sum(up{job=~"memory-maintenance.*"}) == 2'))
        await _until(lambda: _query(port, "memory_maintenance_store_up == 1"))
        assert (await _value(port, 'memory_maintenance_cycles_total{kind="daily",status="completed"}')) == 1
        assert (await _value(port, 'memory_maintenance_units_total{unit="tenant",outcome="completed"}')) == 5
        assert (await _value(port, "memory_maintenance_left_undone{unit='session'}")) == 0
        assert 0 < (await _value(port, "time() - memory_maintenance_last_success_timestamp_seconds")) < 600
        assert (await _value(port, "sum(rae_reflective_decay_updated_total)")) == 1118
        for expression in expressions():
            answer = json.loads(await _get(port, "/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
            assert answer["status"] == "success", expression
        rules = json.loads(await _get(port, "/api/v1/rules"))["data"]["groups"][0]["rules"]
        assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
        assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []


def _variables() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["templating"]["list"]
    return found


@asynccontextmanager
async def _prometheus(folder: Path, ports: dict[str, int]) -> AsyncIterator[int]:
    """Run Prometheus by the file of the project, whose two workers' addresses are those of one on this machine."""
    config = (PROMETHEUS / "prometheus.yml").read_text()
    for theirs, ours in zip(("9464", "9465"), ports.values(), strict=True):
        found = f"dns_sd_configs: [{{names: [worker], type: A, port: {theirs}, refresh_interval: 15s}}]"
        assert found in config
        config = config.replace(found, f"static_configs: [{{targets: ['127.0.0.1:{ours}']}}]")
    config = config.replace("_interval: 15s", "_interval: 1s")
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(RULES, folder)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        *("--config.file", str(folder / "prometheus.yml"), "--storage.tsdb.path", str(folder / "data")),
        *("--web.listen-address", f"127.0.0.1:{port}", "--log.level", "error"),
    )
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _until(asked: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await asked():
            await asyncio.sleep(0.2)


async def _query(port: int, expression: str) -> list[dict[str, Any]]:
    """What an expression comes to; nothing while Prometheus does not answer yet."""
    try:
        text = await _get(port, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    except OSError:
        return []
    found: list[dict[str, Any]] = json.loads(text)["data"]["result"]
    return found


async def _value(port: int, expression: str) -> float:
    (one,) = await _query(port, expression)
    return float(one["value"][1])


async def _get(port: int, path: str) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    return await asyncio.to_thread(get)
