"""The Helm chart: its renderings are of the shape that Kubernetes takes, and the committed files are its renderings.

What needs ``helm`` is skipped where it is neither on the PATH nor in GOPATH/bin. The renderings that are committed are
checked everywhere, and a digest in one of them says whether they are of the chart as it is.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import typer
import yaml

from commands.application import app
from memory_maintenance import __version__
from memory_maintenance.settings import Settings
from tests.deploy import rendering
from tests.deploy.rendering import CHART, EVERYTHING, KUBERNETES, ROOT, run_helm, template
from workflows.options import MODEL_TASK_QUEUE, TASK_QUEUE

Object = dict[str, Any]

SCHEMAS = {
    kind: json.loads((Path(__file__).parent / "schemas" / f"{kind.lower()}.json").read_text())
    for kind in ("PodMonitor", "ScaledObject")
}
"""The kinds that are not Kubernetes' own."""

VALUES: Object = yaml.safe_load((CHART / "values.yaml").read_text())
WORK = {"Deployment", "Job", "CronJob"}

needs_helm = pytest.mark.skipif(rendering.helm() is None, reason="helm is neither on the PATH nor in GOPATH/bin")


def check(thing: Object) -> None:
    """Fail where Kubernetes, the Prometheus Operator or KEDA would not take *thing*."""
    if thing["kind"] in SCHEMAS:
        jsonschema.validate(thing, SCHEMAS[thing["kind"]])
    else:
        kubernetes_validate.validate(thing, "1.37", strict=True)


def objects(text: str) -> dict[str, Object]:
    """Return the objects of a rendering by kind and name."""
    return {f"{one['kind']} {one['metadata']['name']}": one for one in yaml.safe_load_all(text) if one}


def render(*settings: str, values: str = "", folder: Path | None = None) -> dict[str, Object]:
    """Return what the chart renders with ``--set`` *settings* and a file with *values*."""
    arguments = [part for setting in settings for part in ("--set", setting)]
    if folder is not None:
        (folder / "values.yaml").write_text(values)
        arguments += ["--values", str(folder / "values.yaml")]
    return objects(template(*arguments))


def pod(thing: Object) -> Object:
    """Return the pod template of *thing*."""
    spec = thing["spec"]["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else thing["spec"]
    found: Object = spec["template"]
    return found


def containers(thing: Object) -> list[Object]:
    spec = pod(thing)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def work(things: dict[str, Object]) -> list[Object]:
    return [thing for thing in things.values() if thing["kind"] in WORK]


# --- without helm -------------------------------------------------------------------------------


def test_what_is_committed_is_rendered_from_the_chart_as_it_is():
    assert EVERYTHING.read_text().splitlines()[0] == f"# chart: {rendering.chart_digest()}", "run `make manifests`"


@pytest.mark.parametrize("name", sorted({*rendering.FILES} | {EVERYTHING.name}))
def test_a_committed_rendering_is_of_the_shape_that_a_cluster_takes(name: str):
    path = EVERYTHING if name == EVERYTHING.name else KUBERNETES / name
    found = objects(path.read_text())
    assert found
    for thing in found.values():
        check(thing)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        pytest.param("PodMonitor", {"podMetricsEndpoints": [{"port": 9464}]}, id="a port by number"),
        pytest.param("ScaledObject", {"minReplicas": 1}, id="the field of another kind"),
        pytest.param(
            "ScaledObject", {"triggers": [{"type": "temporal", "metadata": {"endpoint": "t:1"}}]}, id="no queue"
        ),
    ],
)
def test_a_wrong_object_of_an_operator_would_be_noticed(kind: str, wrong: Object):
    right = next(thing for thing in objects(EVERYTHING.read_text()).values() if thing["kind"] == kind)
    with pytest.raises(jsonschema.ValidationError):
        check(right | {"spec": right["spec"] | wrong})


def test_the_settings_for_kubectl_are_those_of_the_chart():
    assert (KUBERNETES / "settings.env").read_text() == rendering.settings_file()


def test_every_value_is_documented_and_the_table_says_what_values_yaml_says():
    documented = {name for name, _, _ in rendering.documented()}
    whole = {name for name in documented if not any(other.startswith(f"{name}.") for other in documented)}
    undocumented = [name for name in _leaves(VALUES) if not any(f"{name}.".startswith(f"{part}.") for part in whole)]
    assert undocumented == []
    assert (CHART / "README.md").read_text() == rendering.readme()


def test_the_schema_takes_the_defaults_and_names_every_value():
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.validate(VALUES, schema)

    def compare(part: Object, values: Object) -> None:
        if part.get("additionalProperties") is False:
            assert set(part["properties"]) - {"global"} == set(values)
            for name, value in values.items():
                compare(part["properties"][name], value)

    compare(schema, VALUES)


def test_chart_and_image_have_the_version_of_the_application():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    assert f"ARG VERSION={__version__}" in (ROOT / "Dockerfile").read_text()


def test_every_setting_of_the_chart_is_one_and_none_is_a_secret():
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    assert [
        name for name in VALUES["settings"] if name not in fields or "SecretStr" in str(fields[name].annotation)
    ] == []
    assert VALUES["settings"]["MEMORY_MAINTENANCE_EMBEDDED"] == "never"


def test_the_scaler_asks_for_the_queues_that_the_roles_poll():
    scaled = {
        thing["metadata"]["labels"]["app.kubernetes.io/component"]: [
            (trigger["metadata"]["taskQueue"], trigger["metadata"]["queueTypes"])
            for trigger in thing["spec"]["triggers"]
        ]
        for thing in objects(EVERYTHING.read_text()).values()
        if thing["kind"] == "ScaledObject"
    }
    sql, model = (TASK_QUEUE, "workflow,activity"), (MODEL_TASK_QUEUE, "activity")
    assert scaled == {"workflows": [sql], "model": [model], "all": [sql, model]}


def test_the_pages_are_served_with_options_that_there_are():
    [web] = [
        thing
        for name, thing in objects(EVERYTHING.read_text()).items()
        if name.startswith("Deployment") and name.endswith("-web")
    ]
    *program, host, address, port, number = containers(web)[0]["command"]
    assert (program, host, address, port) == (["python", "starter.py", "web"], "--host", "0.0.0.0", "--port")  # noqa: S104
    assert containers(web)[0]["ports"] == [{"name": "web", "containerPort": int(number)}]
    options = {name for option in typer.main.get_command(app).commands["web"].params for name in option.opts}  # type: ignore[attr-defined]
    assert {host, port} <= options


# --- with helm ----------------------------------------------------------------------------------


@needs_helm
def test_helm_finds_nothing_to_complain_about():
    done = run_helm("lint", "--strict", str(CHART))
    assert (done.returncode, "[WARNING]" in done.stdout, "[ERROR]" in done.stdout) == (0, False, False), done.stdout


@needs_helm
def test_the_committed_files_are_what_helm_renders():
    assert {path: path.read_text() for path in rendering.rendered()} == rendering.rendered(), "run `make manifests`"


TAG = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"  # a commit, as many pipelines tag images
ALWAYS = {"Job setup", "Job current", "ConfigMap settings", "Deployment workflows", "Deployment model"}
BUDGETS = {"PodDisruptionBudget workflows", "PodDisruptionBudget model"}
CRON = {"Job setup", "ConfigMap settings", "CronJob daily", "CronJob hourly", "Deployment metrics"}


@needs_helm
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param("", ALWAYS | BUDGETS, id="as it is"),
        pytest.param("hooks: false", ALWAYS | BUDGETS, id="without hooks"),
        pytest.param("scheduler: cron", CRON, id="by cron"),
        pytest.param(
            "{scheduler: cron, settings: {MAINTENANCE_HOURLY_CRON: 'off', MAINTENANCE_TIME_ZONE: Europe/Warsaw}}",
            CRON - {"CronJob hourly"},
            id="by cron, once a day in another time zone",
        ),
        pytest.param("existingConfigMap: mine", (ALWAYS | BUDGETS) - {"ConfigMap settings"}, id="settings of a user's"),
        pytest.param(
            "{secrets: [], env: [{name: DATABASE_URL, valueFrom: {secretKeyRef: {name: db-app, key: uri}}}]}",
            ALWAYS | BUDGETS,
            id="a key of another secret",
        ),
        pytest.param(
            "{existingConfigMap: mine, secrets: []}", (ALWAYS | BUDGETS) - {"ConfigMap settings"}, id="no secret"
        ),
        pytest.param(
            "{volumes: [{name: tls, secret: {secretName: tls}}], volumeMounts: [{name: tls, mountPath: /tls}]}",
            ALWAYS | BUDGETS,
            id="certificates",
        ),
        pytest.param(
            "{podSpec: {nodeSelector: {disk: fast}, imagePullSecrets: [{name: pull}]}, podAnnotations: {a/b: c}}",
            ALWAYS | BUDGETS,
            id="pods placed by the user",
        ),
        pytest.param("podSecurityContext: {runAsUser: null, runAsGroup: null}", ALWAYS | BUDGETS, id="on OpenShift"),
        pytest.param(
            f"image: {{tag: {TAG}, digest: 'sha256:{'a' * 64}'}}", ALWAYS | BUDGETS, id="a long tag, a digest"
        ),
        pytest.param(
            "workers: {all: {replicas: 1}, model: {replicas: 0}, workflows: {replicas: 0}}",
            {"Job setup", "Job current", "ConfigMap settings", "Deployment all", "PodDisruptionBudget all"},
            id="one role",
        ),
        pytest.param("autoscaling: {enabled: true}", ALWAYS | BUDGETS | {"ScaledObject workflows"}, id="scaled"),
        pytest.param(
            "{autoscaling: {enabled: true, endpoint: 't:7233', triggerMetadata: {enableTLS: 'true'}},"
            " workers: {model: {maxReplicas: 3}}}",
            ALWAYS | BUDGETS | {"ScaledObject workflows", "ScaledObject model"},
            id="both roles scaled, with TLS",
        ),
        pytest.param(
            "podMonitor: {enabled: true, labels: {release: p}}", ALWAYS | BUDGETS | {"PodMonitor "}, id="watched"
        ),
        pytest.param("{scheduler: cron, podMonitor: {enabled: true}}", CRON | {"PodMonitor "}, id="cron, watched"),
        pytest.param("web: {enabled: true}", ALWAYS | BUDGETS | {"Deployment web", "Service web"}, id="with the pages"),
        pytest.param("podDisruptionBudget: {enabled: false}", ALWAYS, id="no budget"),
        pytest.param("podDisruptionBudget: {maxUnavailable: 50%}", ALWAYS | BUDGETS, id="half of the workers"),
        pytest.param("networkPolicy: {enabled: true}", ALWAYS | BUDGETS | {"NetworkPolicy "}, id="fenced"),
        pytest.param(
            "networkPolicy: {enabled: true, ingress: []}",
            ALWAYS | BUDGETS | {"NetworkPolicy "},
            id="fenced, nothing comes in",
        ),
    ],
)
def test_each_option_renders_what_a_cluster_takes(tmp_path: Path, values: str, expected: set[str]):
    things = render(values=values, folder=tmp_path)
    found = {
        f"{one['kind']} {one['metadata']['labels'].get('app.kubernetes.io/component', '')}" for one in things.values()
    }
    assert {re.sub("CronJob cron", "CronJob", name) for name in found} == {
        re.sub("CronJob .+", "CronJob", name) for name in expected
    }
    assert len(things) == len(expected)
    for thing in things.values():
        check(thing)
        assert len(thing["metadata"]["name"]) <= 63
    for thing in work(things):
        labels = pod(thing)["metadata"]["labels"]
        assert thing["spec"].get("selector", {}).get("matchLabels", labels).items() <= labels.items()
        for container in containers(thing):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            settings = [one["configMapRef"]["name"] for one in container.get("envFrom", []) if "configMapRef" in one]
            assert {f"ConfigMap {name}" for name in settings} <= {*things, "ConfigMap mine"}
            assert settings or "MEMORY_MAINTENANCE_EMBEDDED" in {one["name"] for one in container["env"]}


@needs_helm
def test_what_a_user_gives_reaches_every_container(tmp_path: Path):
    values = f"""
secrets: [one, two]
env: [{{name: LOG_LEVEL, value: debug}}]
volumes: [{{name: tls, secret: {{secretName: tls}}}}]
volumeMounts: [{{name: tls, mountPath: /tls}}]
podSpec: {{priorityClassName: night}}
podAnnotations: {{a/b: c}}
podSecurityContext: {{runAsUser: null}}
image: {{repository: example.com/mm, tag: 0.3.0, digest: "sha256:{"0" * 64}", pullPolicy: Always}}
"""
    for scheduler in ("temporal", "cron"):
        for thing in work(render(values=f"{values}\nscheduler: {scheduler}", folder=tmp_path)):
            made = pod(thing)
            assert made["metadata"]["annotations"]["a/b"] == "c"
            assert made["spec"]["priorityClassName"] == "night"
            assert set(made["spec"]["securityContext"]) == {"runAsNonRoot", "runAsGroup", "seccompProfile"}
            assert [volume["name"] for volume in made["spec"]["volumes"]] == ["tmp", "tls"]
            for container in containers(thing):
                assert container["image"] == f"example.com/mm:0.3.0@sha256:{'0' * 64}"
                assert container["imagePullPolicy"] == "Always"
                assert {"name": "LOG_LEVEL", "value": "debug"} in container["env"]
                assert [one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one] == [
                    "one",
                    "two",
                ]
                assert {"name": "tls", "mountPath": "/tls"} in container["volumeMounts"]


@needs_helm
def test_a_new_release_has_objects_of_its_own_and_helm_keeps_those_of_the_older_build():
    options = ("autoscaling.enabled=true", "workers.model.maxReplicas=3")
    kinds = {"Deployment", "ConfigMap", "ScaledObject"}
    older, newer = (
        {name: thing for name, thing in render(*options, f"image.tag={tag}").items() if thing["kind"] in kinds}
        for tag in ("0.1.0", "0.2.0")
    )
    assert len(older) == len(newer) == 5
    assert set(older) & set(newer) == set()
    for thing in older.values():
        assert thing["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert thing["metadata"]["labels"]["app.kubernetes.io/version"] == "0.1.0"


@needs_helm
def test_changed_settings_make_every_worker_again():
    def read(things: dict[str, Object]) -> set[str]:
        workers = [thing for thing in things.values() if thing["kind"] == "Deployment"]
        return {one["envFrom"][0]["configMapRef"]["name"] for thing in workers for one in containers(thing)}

    before, after = render(), render("settings.LOG_LEVEL=debug")
    for things in (before, after):
        assert {f"ConfigMap {name}" for name in read(things)} == {
            name for name in things if name.startswith("ConfigMap")
        }
    assert read(before) & read(after) == set()


@needs_helm
def test_the_setup_hook_runs_before_anything_is_there_and_has_the_settings_in_itself():
    things = render("settings.LOG_LEVEL=debug")
    [setup] = [thing for thing in things.values() if thing["kind"] == "Job" and "-setup-" in thing["metadata"]["name"]]
    assert setup["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade,pre-rollback"
    for container in containers(setup):
        assert {one["name"]: one["value"] for one in container["env"]} == {**VALUES["settings"], "LOG_LEVEL": "debug"}
        assert container["envFrom"] == [{"secretRef": {"name": "memory-maintenance"}}]


@needs_helm
def test_a_build_becomes_current_after_its_workers_are_made():
    things = render()
    [current] = [thing for thing in things.values() if "-current-" in thing["metadata"]["name"]]
    assert current["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade,post-rollback"
    versions = [
        {one["name"]: one["value"] for one in containers(thing)[0]["env"]}
        for thing in [current, *(thing for thing in things.values() if thing["kind"] == "Deployment")]
    ]
    expected = {"TEMPORAL_WORKER_DEPLOYMENT_NAME": "memory-maintenance", "TEMPORAL_WORKER_BUILD_ID": __version__}
    assert versions == [expected] * 3


@needs_helm
def test_a_scaled_role_leaves_the_number_of_its_workers_to_keda():
    things = render("autoscaling.enabled=true")
    by_role = {thing["metadata"]["labels"]["app.kubernetes.io/component"]: thing for thing in work(things)}
    assert ("replicas" in by_role["workflows"]["spec"], "replicas" in by_role["model"]["spec"]) == (False, True)
    [scaled] = [thing for thing in things.values() if thing["kind"] == "ScaledObject"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == by_role["workflows"]["metadata"]["name"]
    assert scaled["spec"]["minReplicaCount"] == VALUES["workers"]["workflows"]["replicas"]
    [trigger] = scaled["spec"]["triggers"]
    assert trigger["metadata"]["workerDeploymentBuildId"] == __version__
    assert trigger["metadata"]["endpoint"] == VALUES["settings"]["TEMPORAL_ADDRESS"]


@needs_helm
def test_two_releases_in_a_namespace_share_no_object_and_no_pod():
    text = {release: template("--set", rendering.ALL, release=release) for release in ("one", "two")}
    one, two = (objects(rendered) for rendered in text.values())
    assert set(one) & set(two) == set()
    for thing in one.values():
        spec = thing.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {"app.kubernetes.io/instance": "one"}
        assert selector.get("matchLabels", selector)["app.kubernetes.io/instance"] == "one"


@needs_helm
@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("scheduler=celery", "scheduler"),
        ("replicaCount=3", "replicaCount"),
        ("workers.sql.replicas=1", "sql"),
        ("settings.DATABASE_POOL_SIZE=20", "DATABASE_POOL_SIZE"),
        ("settings.database_url=x", "database_url"),
        ("image.tag=a/b", "tag"),
        ("settings.METRICS_PORT=null", "METRICS_PORT"),
        ("podDisruptionBudget.maxUnavailable=0", "maxUnavailable"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(setting: str, named: str):
    with pytest.raises(ValueError, match=named):
        template("--set", setting)


def _leaves(values: Object, before: str = "") -> Iterator[str]:
    """Yield the names of the values below *values* that hold no others."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"
