"""The units of deploy/systemd, as systemd reads them."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.watched import DEPLOY

UNITS = sorted((DEPLOY / "systemd").iterdir())


@pytest.mark.system
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on the PATH")
def test_systemd_accepts_the_units(tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace("/opt/memory-maintenance/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", *(tmp_path / unit.name for unit in UNITS)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_units_start_what_is_in_the_clone():
    started = {
        found for unit in UNITS for found in re.findall(r"^ExecStart=\S+/python (.+)$", unit.read_text(), re.MULTILINE)
    }
    assert started == {"worker.py", "-m memory_maintenance"}
    for line in started:
        assert (DEPLOY.parent / line.removeprefix("-m ")).exists()
