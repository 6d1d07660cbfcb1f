"""Hints name the command that the reader has."""

from pathlib import Path

import pytest

from memory_maintenance.invocation import as_invoked

HINTS = "run `python starter.py migrate`; starter.py doctor; start one: python worker.py --role model"
MODULE = "/site/memory_maintenance/__main__.py"


@pytest.mark.parametrize(
    ("argv", "is_clone", "hints"),
    [
        pytest.param("starter.py", True, HINTS, id="the scripts of a clone"),
        pytest.param(
            "/bin/memory-maintenance", True,
            "run `memory-maintenance migrate`; memory-maintenance doctor; start one: memory-maintenance worker --role model",
            id="the command of a clone",
        ),
        pytest.param(
            MODULE, True,
            "run `python -m memory_maintenance --migrate`; python -m memory_maintenance --doctor; "
            "start one: python worker.py --role model",
            id="the module",
        ),
        pytest.param(
            "/bin/memory-maintenance", False,
            "run `memory-maintenance --migrate`; memory-maintenance --doctor; start one: python worker.py --role model"
            " (starter.py and worker.py are in a clone of the project)",
            id="the command of the wheel",
        ),
        pytest.param(
            "script.py", False,
            "run `python -m memory_maintenance --migrate`; python -m memory_maintenance --doctor; "
            "start one: python worker.py --role model (starter.py and worker.py are in a clone of the project)",
            id="a script beside the wheel",
        ),
    ],
)  # fmt: skip
def test_a_hint_has_the_form_of_whoever_runs(tmp_path: Path, argv, is_clone, hints):
    if is_clone:
        (tmp_path / "starter.py").touch()
    assert as_invoked(HINTS, argv=argv, clone=tmp_path) == hints
    assert as_invoked(hints, argv=argv, clone=tmp_path) == hints
