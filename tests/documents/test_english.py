"""Documents, messages and code are plain English: a short list of forms that the project had a habit of is kept out."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = re.compile(r"\b(told|anew|nobody|stands? in|of ours)\b(?![.(])|(?<!BACKEND )\b(is|was) none\b")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
PACKAGES = ("activities", "commands", "embedded", "memory_maintenance", "runtime", "web", "workflows")
ALL_CODE = (*PACKAGES, "benchmarks", "chaos", "scripted_endpoint", "tests")
WORD_LISTS = {"stop_words.py", "policy.py"}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_document_has_no_banned_form(page):
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
    assert [(number, line) for number, line in lines if BANNED.search(line) and not line.startswith(">>>")] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_message_has_one(package):
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name not in WORD_LISTS
        for text in _messages(ast.parse(path.read_text(encoding="utf-8")))
        if BANNED.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("package", ALL_CODE)
def test_no_docstring_comment_or_name_of_a_test_has_one(package):
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if path != Path(__file__)
        for text in _explanations(path.read_text(encoding="utf-8"))
        if BANNED.search(text)
    ]
    assert found == []


def _explanations(code: str) -> Iterator[str]:
    """Yield the docstrings and comments of a module, and the names of its tests as sentences."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")


def _messages(tree: ast.AST) -> Iterator[str]:
    """Yield the strings of a module that are neither docstrings nor SQL."""
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in docstrings)
    for text in (node.value for node in strings if isinstance(node.value, str)):
        if not text.lstrip().startswith("--") and "SELECT" not in text:
            yield text
