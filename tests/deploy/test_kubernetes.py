"""The Kubernetes manifests, as far as they can be checked without a cluster."""

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


def test_the_job_runs_commands_that_there_are():
    (job,) = of_kind("Job")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    asked = [container["command"] for container in _containers(job)]
    assert asked == [["python", "starter.py", "migrate"], ["python", "starter.py", "schedules", "apply"]]
    assert "migrate" in commands
    assert "apply" in commands["schedules"].commands


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
