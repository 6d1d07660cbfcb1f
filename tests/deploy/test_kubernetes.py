"""The Kubernetes manifests, as far as they can be checked without a cluster."""

import re
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
        if path.name != "kustomization.yaml":
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


WORK = of_kind("Deployment", "Job", "CronJob")
DEPLOYMENTS = of_kind("Deployment")


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
    assert commands == [["python", "worker.py", "--role", role] for role in ("workflows", "model")]


def test_every_variable_is_a_setting():
    data = [thing.get("data") or thing["stringData"] for thing in of_kind("ConfigMap", "Secret")]
    assert len(data) == 2
    assert set().union(*data) <= SETTINGS


def test_no_secret_is_among_the_settings():
    (settings,) = of_kind("ConfigMap")
    assert [
        name for name in settings["data"] if "SecretStr" in str(Settings.model_fields[name.lower()].annotation)
    ] == []


@pytest.mark.parametrize("thing", WORK, ids=named)
def test_every_container_reads_the_settings_and_the_secret_that_are_here(thing: Object):
    known = {(one["kind"], one["metadata"]["name"]) for one in objects()}
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
    (settings,) = of_kind("ConfigMap")
    container = pod(thing)["containers"][0]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    listening = [settings["data"][name] for name in ("HEALTH_PORT", "METRICS_PORT", "TEMPORAL_METRICS_PORT")]
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


def test_the_jobs_run_commands_that_there_are():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    asked = [container["command"][1:] for job in of_kind("Job") for container in _containers(job)]
    assert sorted(asked) == [
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
    for thing in of_a_build:
        assert thing["metadata"]["name"].endswith(f"-{build.replace('.', '-')}")
        assert thing["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"] == build
        env = {one["name"]: one["value"] for one in pod(thing)["containers"][0]["env"]}
        assert env == {"TEMPORAL_WORKER_DEPLOYMENT_NAME": "memory-maintenance", "TEMPORAL_WORKER_BUILD_ID": build}
        assert set(env) <= SETTINGS
    for thing in DEPLOYMENTS:
        assert thing["spec"]["selector"]["matchLabels"] == thing["spec"]["template"]["metadata"]["labels"]
    # Shared by builds side by side, so it names none of them.
    assert "TEMPORAL_WORKER_BUILD_ID" not in of_kind("ConfigMap")[0]["data"]


def test_the_command_for_a_new_release_changes_the_build_everywhere():
    readme = (FOLDER / "README.md").read_text()
    [script] = re.findall(r"sed -i '(.+)' workers.yaml current.yaml kustomization.yaml", readme)
    for name in ("workers.yaml", "current.yaml", "kustomization.yaml"):
        changed = run("sed", script, str(FOLDER / name)).stdout
        assert ("0.1.0" in changed, "0-1-0" in changed, "0.2.0" in changed) == (False, False, True)


def test_what_kustomize_takes_is_there_and_has_no_example_of_a_secret():
    taken = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert [name for name in taken["resources"] if not (FOLDER / name).exists()] == []
    assert not set(taken["resources"]) & {"secret.example.yaml", "cronjobs.yaml"}
    images = {container["image"] for thing in WORK for container in _containers(thing)}
    assert images == {image["name"] for image in taken["images"]}


def test_git_does_not_take_the_secret():
    assert "deploy/kubernetes/secret.yaml" in Path(ROOT / ".gitignore").read_text().splitlines()


def _containers(thing: Object) -> list[Object]:
    spec = pod(thing)
    return [*spec.get("initContainers", []), *spec["containers"]]
