import pytest

from memory_maintenance.writers.model.untrusted import as_line, delimited
from tests.hostile import INJECTIONS


@pytest.mark.parametrize("content", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_content_leaves_its_line_or_closes_its_block(content):
    block = delimited("record", [as_line(content, 4000), as_line("the next one", 4000)])
    lines = block.splitlines()
    assert len(lines) == 4
    assert (lines[0], lines[2], lines[3]) == ("<record>", "the next one", "</record>")
    assert not set("<>＜＞") & set(lines[1])
    assert not any(token in lines[1] for token in ("[INST]", "[/INST]", "[TOOL_CALLS]", "[SYSTEM_PROMPT]"))
    assert "\u200b" not in lines[1]
    lines[1].encode()
    assert lines[1].isprintable()


def test_there_are_at_least_forty_attempts():
    assert len(set(INJECTIONS)) >= 40


@pytest.mark.parametrize("content", INJECTIONS, ids=range(len(INJECTIONS)))
def test_a_line_made_twice_is_made_once(content):
    assert as_line(as_line(content, 500), 500) == as_line(content, 500)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("Ticket [URGENT] costs €12, see §3 – ok", "Ticket (URGENT) costs €12, see §3 – ok"),
        ("a [link](x) and arr[0]", "a [link](x) and arr[0]"),
        ("tomorrow\n\tat 5", "tomorrow at 5"),
        ("if a < b", "if a ‹ b"),
    ],
)
def test_ordinary_text_stays_readable(content, line):
    assert as_line(content, 4000) == line


@pytest.mark.parametrize("size", [100, 101, 1000, 1_000_000, 10_000_000])
def test_a_long_text_keeps_its_two_ends_within_the_limit(size):
    line = as_line("begin " + "x" * size + " end", 100)
    assert len(line) <= 100
    assert (line[:5], line[-3:]) == ("begin", "end")
