"""The Kubernetes manifests, as far as they can be checked without a cluster."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from commands.application import app
from memory_maintenance.settings import Settings
from runtime.capacity import GRACE
from tests.deploy.test_deploy import ROOT, run

FOLDER = ROOT / "deploy" / "kubernetes"
SETTINGS = {name.upper() for name in Settings.model_fields}

Object = dict[str, Any]


def objects() -> Iterator[Object]:
    """Every object of Kubernetes' own kinds."""
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name not in {"kustomization.yaml", "podmonitor.yaml", "values.yaml"}:
            yield from yaml.safe_load_all(path.read_text())


def named(thing: Object) -> str:
    return f"{thing['kind']} {thing['metadata']['name']}"


def of_kind(*kinds: str) -> list[Object]:
    return [thing for thing in objects() if thing["kind"] in kinds]


def pod(thing: Object) -> Object:
    """The pod that an object makes."""
    spec = thing["spec"]["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else thing["spec"]
    found: Object = spec["template"]["spec"]
    return found


def rendered(folder: Path, *, resources: list[str] | None = None, setting: str = "") -> list[Object]:
    """What ``kubectl apply -k`` would apply, with other *resources* and one more *setting*."""
    shutil.copytree(FOLDER, folder)
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    kustomization["resources"] = resources or kustomization["resources"]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    with (folder / "settings.env").open("a") as file:
        file.write(setting)
    done = run("kubectl", "kustomize", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return [*yaml.safe_load_all(done.stdout)]


def settings_used(things: list[Object]) -> set[str]:
    """The ConfigMaps that the containers of *things* read."""
    work = [thing for thing in things if thing["kind"] in ("Deployment", "Job", "CronJob")]
    assert work
    return {container["envFrom"][0]["configMapRef"]["name"] for thing in work for container in _containers(thing)}


WORK = of_kind("Deployment", "Job", "CronJob")
SETTINGS_FILE = dict(re.findall(r"^([A-Z_]+)=(.+)$", (FOLDER / "settings.env").read_text(), re.MULTILINE))
[GENERATED] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["configMapGenerator"]

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH")

DEPLOYMENTS = [thing for thing in of_kind("Deployment") if "worker.py" in pod(thing)["containers"][0]["command"]]
"""The workers."""


@pytest.mark.parametrize("version", ["1.29", "1.33", "1.37"])
@pytest.mark.parametrize("thing", [*objects()], ids=named)
def test_every_object_is_of_the_shape_that_kubernetes_takes(thing: Object, version: str):
    kubernetes_validate.validate(thing, version, strict=True)


def test_a_wrong_object_would_be_noticed():
    wrong = DEPLOYMENTS[0] | {"spec": DEPLOYMENTS[0]["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_there_is_a_deployment_per_role():
    commands = [pod(thing)["containers"][0]["command"] for thing in DEPLOYMENTS]
    assert commands == [["python", "worker.py", "--role", role] for role in ("model", "workflows")]


def test_every_variable_is_a_setting():
    [secret] = of_kind("Secret")
    assert SETTINGS_FILE
    assert {*SETTINGS_FILE, *secret["stringData"]} <= SETTINGS


def test_no_secret_is_among_the_settings():
    assert [name for name in SETTINGS_FILE if "SecretStr" in str(Settings.model_fields[name.lower()].annotation)] == []


@pytest.mark.system
@needs_kubectl
@pytest.mark.parametrize("resources", [None, ["cronjobs.yaml"]], ids=["with Temporal", "without"])
def test_changed_settings_are_another_config_map_so_that_every_pod_is_made_again(tmp_path: Path, resources):
    before = rendered(tmp_path / "before", resources=resources)
    after = rendered(tmp_path / "after", resources=resources, setting="LOG_LEVEL=debug")
    for things in (before, after):
        [settings] = [thing for thing in things if thing["kind"] == "ConfigMap"]
        kubernetes_validate.validate(settings, "1.37", strict=True)
        assert settings_used(things) == {settings["metadata"]["name"]}
    assert settings_used(before) != settings_used(after)


@pytest.mark.parametrize("job", of_kind("Job"), ids=named)
def test_no_job_waits_to_be_deleted_by_hand(job: Object):
    assert job["spec"]["ttlSecondsAfterFinished"] <= 86400
    readme = (FOLDER / "README.md").read_text()
    assert "kubectl delete job " not in readme
    assert "kubectl apply -k" not in readme  # a changed job is replaced with --force only


def test_the_pod_monitor_finds_both_ports_of_every_worker():
    monitor = yaml.safe_load((FOLDER / "podmonitor.yaml").read_text())
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    scraped = {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]}
    for thing in DEPLOYMENTS:
        labels = thing["spec"]["template"]["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
        ports = {port["name"]: str(port["containerPort"]) for port in pod(thing)["containers"][0]["ports"]}
        assert {ports[name] for name in scraped} == {
            SETTINGS_FILE[name] for name in ("METRICS_PORT", "TEMPORAL_METRICS_PORT")
        }


@pytest.mark.parametrize("thing", WORK, ids=named)
def test_every_container_reads_the_settings_and_the_secret_that_are_here(thing: Object):
    known = {(one["kind"], one["metadata"]["name"]) for one in objects()} | {("ConfigMap", GENERATED["name"])}
    for container in _containers(thing):
        config, secret = container["envFrom"]
        assert ("ConfigMap", config["configMapRef"]["name"]) in known
        assert ("Secret", secret["secretRef"]["name"]) in known


@pytest.mark.parametrize("thing", WORK, ids=named)
def test_nothing_runs_as_root_or_writes_but_into_tmp(thing: Object):
    spec = pod(thing)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {spec['securityContext']['runAsUser']} " in (ROOT / "Dockerfile").read_text()
    assert spec["automountServiceAccountToken"] is False
    for container in _containers(thing):
        confined = container["securityContext"]
        assert (confined["readOnlyRootFilesystem"], confined["allowPrivilegeEscalation"]) == (True, False)
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("thing", DEPLOYMENTS, ids=named)
def test_probes_and_scrapes_ask_where_the_settings_listen(thing: Object):
    container = pod(thing)["containers"][0]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    listening = [SETTINGS_FILE[name] for name in ("HEALTH_PORT", "METRICS_PORT", "TEMPORAL_METRICS_PORT")]
    assert [ports[name] for name in ("health", "metrics", "sdk-metrics")] == listening
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    assert thing["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == ports["metrics"]


@pytest.mark.parametrize("thing", DEPLOYMENTS, ids=named)
def test_a_worker_has_longer_to_stop_than_its_batches_have_to_finish(thing: Object):
    assert pod(thing)["terminationGracePeriodSeconds"] >= GRACE.total_seconds() + 10


def test_the_cron_form_runs_at_raes_time_what_the_image_has():
    daily, hourly = of_kind("CronJob")
    assert (daily["spec"]["schedule"], hourly["spec"]["schedule"]) == (
        Settings.model_fields["maintenance_daily_cron"].default,
        Settings.model_fields["maintenance_hourly_cron"].default,
    )
    for thing in (daily, hourly):
        _, *arguments = pod(thing)["containers"][0]["command"]
        done = run(sys.executable, *arguments, "--help")
        assert (done.returncode, "usage" in done.stdout) == (0, True)


def test_beside_the_cron_form_a_process_serves_what_runs_left_in_the_store():
    [thing] = [
        thing for thing in yaml.safe_load_all((FOLDER / "cronjobs.yaml").read_text()) if thing["kind"] == "Deployment"
    ]
    [container] = pod(thing)["containers"]
    assert container["command"] == ["python", "-m", "memory_maintenance", "--serve-metrics"]
    assert container["ports"] == [{"name": "metrics", "containerPort": int(SETTINGS_FILE["METRICS_PORT"])}]
    template = thing["spec"]["template"]["metadata"]
    assert thing["spec"]["selector"]["matchLabels"].items() <= template["labels"].items()
    assert template["annotations"]["prometheus.io/port"] == SETTINGS_FILE["METRICS_PORT"]


def test_the_jobs_run_commands_that_there_are():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    asked = [container["command"][1:] for job in of_kind("Job") for container in _containers(job)]
    assert sorted(asked) == [
        ["-m", "memory_maintenance", "--migrate"],
        ["starter.py", "deployment", "set-current-version"],
        ["starter.py", "migrate"],
        ["starter.py", "schedules", "apply"],
    ]
    assert "migrate" in commands
    assert "apply" in commands["schedules"].commands
    assert "set-current-version" in commands["deployment"].commands


def test_a_build_has_deployments_of_its_own_which_a_new_release_leaves_alone():
    [image] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["images"]
    build = image["newTag"]
    of_a_build = [*DEPLOYMENTS, *(job for job in of_kind("Job") if "current" in named(job))]
    assert len(of_a_build) == 3
    for thing in [*DEPLOYMENTS, *of_kind("Job")]:
        assert thing["metadata"]["name"].endswith(f"-{build.replace('.', '-')}")
        assert thing["metadata"]["labels"]["app.kubernetes.io/version"] == build
        assert thing["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] == build
    assert GENERATED["options"]["labels"]["app.kubernetes.io/version"] == build
    for thing in of_a_build:
        env = {one["name"]: one["value"] for one in pod(thing)["containers"][0]["env"]}
        assert env == {"TEMPORAL_WORKER_DEPLOYMENT_NAME": "memory-maintenance", "TEMPORAL_WORKER_BUILD_ID": build}
        assert set(env) <= SETTINGS
    for thing in DEPLOYMENTS:
        assert thing["spec"]["selector"]["matchLabels"] == thing["spec"]["template"]["metadata"]["labels"]
    # Shared by builds side by side, so it names none of them.
    assert "TEMPORAL_WORKER_BUILD_ID" not in SETTINGS_FILE


def test_the_command_for_a_new_release_changes_the_build_everywhere():
    readme = (FOLDER / "README.md").read_text()
    [(script, files)] = re.findall(r"sed -i '(.+)' (.+)", readme)
    assert sorted(files.split()) == sorted(path.name for path in FOLDER.glob("*.yaml") if "0.1.0" in path.read_text())
    for name in files.split():
        changed = run("sed", script, str(FOLDER / name)).stdout
        assert ("0.1.0" in changed, "0-1-0" in changed, "0.2.0" in changed) == (False, False, True)


def test_what_kustomize_takes_is_there_and_has_no_example_of_a_secret():
    taken = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert [name for name in taken["resources"] if not (FOLDER / name).exists()] == []
    assert not set(taken["resources"]) & {"secret.example.yaml", "cronjobs.yaml"}
    images = {container["image"].partition(":")[0] for thing in WORK for container in _containers(thing)}
    assert images == {image["name"] for image in taken["images"]}


def test_git_does_not_take_the_secret():
    assert "deploy/kubernetes/secret.yaml" in Path(ROOT / ".gitignore").read_text().splitlines()


def _containers(thing: Object) -> list[Object]:
    spec = pod(thing)
    return [*spec.get("initContainers", []), *spec["containers"]]
