"""docs/scaling.md computes what it says."""

import ast
import operator
import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"
SUM = re.compile(r"`([\d,. ×/+−]+?) = ([\d,.]+)`")
OPERATORS = {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Add: operator.add, ast.Sub: operator.sub}
SUMS = SUM.findall(DOCUMENT.read_text(encoding="utf-8"))


def computed(text: str) -> float:
    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return float(OPERATORS[type(node.op)](value(node.left), value(node.right)))
        return float(ast.literal_eval(node))

    plain = text.replace(",", "").replace("×", "*").replace("−", "-")
    return value(ast.parse(plain, mode="eval").body)


@pytest.mark.parametrize(("said", "result"), SUMS, ids=[said for said, _ in SUMS])
def test_a_sum_comes_out_as_it_is_written(said, result):
    written = result.replace(",", "")
    digits = len(written.replace(".", "").strip("0")) or 1
    assert float(written) == pytest.approx(computed(said), rel=min(0.1, 0.6 * 10 ** (1 - digits)))


def test_every_sum_of_the_page_is_read():
    assert len(SUMS) == len(re.findall(r"`[^`\n]* [×/] [^`\n]* = [^`\n]*`", DOCUMENT.read_text(encoding="utf-8")))
    assert len(SUMS) > 20
