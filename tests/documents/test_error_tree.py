"""The tree that is drawn at the top of ``memory_maintenance/errors.py`` is the one that there is."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

from memory_maintenance import errors

PACKAGES = ("memory_maintenance", "activities", "workflows", "runtime", "embedded", "commands")
PROGRAMS = ("worker", "starter", "memory_maintenance.__main__")
BRANCH = re.compile(r"^ {4}(?P<indent>[│ ]*)[├└]── (?P<name>\w+)(?P<rest>.*)$", re.MULTILINE)
ROOT = "MaintenanceError"


def test_every_error_of_the_application_is_in_the_drawn_tree():
    import_everything()
    assert {error.__name__: error.__mro__[1].__name__ for error in ours()} == {
        name: parent for name, (parent, _) in drawn().items()
    }


def test_the_tree_marks_the_errors_that_a_retry_may_cure():
    assert {name for name, (_, retryable) in drawn().items() if retryable} == {
        name for name in drawn() if getattr(errors, name).retryable
    }


def drawn() -> dict[str, tuple[str, bool]]:
    """Return the parent of each error, and whether the drawing says that a retry helps."""
    assert f"    {ROOT}\n" in (errors.__doc__ or "")
    found, path = {ROOT: ("Exception", False)}, [ROOT]
    for branch in BRANCH.finditer(errors.__doc__ or ""):
        depth = len(branch["indent"]) // 4 + 1
        found[branch["name"]] = (
            path[depth - 1],
            re.search(r"\((a retry helps|a few retries help)\)", branch["rest"]) is not None,
        )
        path[depth:] = [branch["name"]]
    return found


def import_everything() -> None:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    for program in PROGRAMS:
        importlib.import_module(program)


def ours(root: type[BaseException] = BaseException) -> Iterator[type[BaseException]]:
    """Yield the exceptions that the application defines."""
    for error in root.__subclasses__():
        if error.__module__.split(".")[0] in (*PACKAGES, *PROGRAMS):
            yield error
        yield from ours(error)
