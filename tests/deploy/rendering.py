"""What is written from the Helm chart: ``python -m tests.deploy.rendering``, which needs ``helm``, writes all of it.

The chart is the source. The files in deploy/kubernetes are its rendering for ``kubectl``, ``everything.yaml`` is one with
every option for the tests, and the table in the chart's README is what ``values.yaml`` says.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm"
KUBERNETES = ROOT / "deploy" / "kubernetes"
EVERYTHING = Path(__file__).with_name("everything.yaml")
PLAIN = ["--values", str(KUBERNETES / "values.yaml")]

FILES = {
    "setup.yaml": ["--show-only", "templates/setup.yaml"],
    "workers.yaml": ["--show-only", "templates/workers.yaml"],
    "current.yaml": ["--show-only", "templates/current.yaml"],
    "poddisruptionbudgets.yaml": ["--show-only", "templates/poddisruptionbudgets.yaml"],
    "podmonitor.yaml": ["--show-only", "templates/podmonitor.yaml", "--set", "podMonitor.enabled=true"],
    "networkpolicy.yaml": ["--show-only", "templates/networkpolicy.yaml", "--set", "networkPolicy.enabled=true"],
    "cronjobs.yaml": ["--set", "scheduler=cron"],
}
"""The files for ``kubectl``, and what ``helm template`` is asked for each."""

ALL = (
    "workers.all.replicas=1,workers.all.maxReplicas=2,workers.model.maxReplicas=4,autoscaling.enabled=true,"
    "autoscaling.authenticationRef=temporal,podMonitor.enabled=true,networkPolicy.enabled=true,web.enabled=true"
)
"""Every option at once."""

_BEGIN, _END = "<!-- values -->\n", "<!-- end of values -->\n"


def helm() -> str | None:
    """Return the path of ``helm``: on the PATH, or where ``go install`` puts it."""
    go = os.environ.get("GOPATH") or Path.home() / "go"
    return shutil.which("helm") or shutil.which("helm", path=str(Path(go) / "bin"))


def run_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``helm``, without a cluster and without what a user configured."""
    program = helm()
    assert program is not None, "helm is neither on the PATH nor in GOPATH/bin"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)


def template(*arguments: str, release: str = "memory-maintenance") -> str:
    """Return what the chart renders, as text; versions of Helm differ in the blank lines between two objects."""
    # A Helm built by `go install` does not know which Kubernetes it was made for.
    done = run_helm("template", release, str(CHART), "--kube-version", "1.33.0", *arguments)
    if done.returncode:
        raise ValueError(done.stderr)
    return re.sub(r"\n+(---|$)", r"\n\1", done.stdout)


def chart_digest() -> str:
    """Return a digest of what is rendered, by which an old rendering is noticed without ``helm``."""
    sources = sorted(path for path in CHART.rglob("*") if path.is_file() and path.name != "README.md")
    digest = hashlib.sha256()
    for path in [*sources, KUBERNETES / "values.yaml"]:
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def rendered() -> dict[Path, str]:
    """Return every file that ``helm`` writes."""
    files = {KUBERNETES / name: template(*PLAIN, *arguments) for name, arguments in FILES.items()}
    return {**files, EVERYTHING: f"# chart: {chart_digest()}\n{template('--set', ALL)}"}


def settings_file() -> str:
    """Return ``settings.env``, of which Kustomize makes the ConfigMap."""
    settings = yaml.safe_load((CHART / "values.yaml").read_text())["settings"]
    head = "# What is not a secret; all names: docs/configuration.md. kustomization.yaml makes a ConfigMap of it.\n"
    return head + "".join(f"{name}={value}\n" for name, value in settings.items())


def documented() -> Iterator[tuple[str, str, Any]]:
    """Yield each value of the chart that has a comment: its name, the comment, the default."""
    text = (CHART / "values.yaml").read_text()
    values, path, comment = yaml.safe_load(text), list[str](), list[str]()
    for line in text.splitlines():
        if found := re.match(r"( *)# (.+)", line):
            comment.append(found[2])
        elif found := re.match(r"( *)([\w-]+):", line):
            path = [*path[: len(found[1]) // 2], found[2]]
            if comment:
                value = values
                for name in path:
                    value = value[name]
                yield ".".join(path), " ".join(comment), value
            comment = []
        else:
            comment = []


def values_table() -> str:
    """Return the table of the chart's README."""
    rows = ["| value | default | what it is |", "|---|---|---|"]
    for name, comment, default in documented():
        short = default if not isinstance(default, dict) or not default else None
        shown = (
            "see `values.yaml`" if short is None else f"`{yaml.safe_dump(short, default_flow_style=True, width=999)}"
        )
        shown = shown.replace("\n...\n", "").rstrip("\n") + ("" if short is None else "`")
        rows.append(f"| `{name}` | {shown} | {comment.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def readme() -> str:
    """Return the chart's README with the table as it should be."""
    text = (CHART / "README.md").read_text()
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + values_table() + _END + rest.partition(_END)[2]


if __name__ == "__main__":
    for path, text in {
        **rendered(),
        KUBERNETES / "settings.env": settings_file(),
        CHART / "README.md": readme(),
    }.items():
        path.write_text(text)
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
