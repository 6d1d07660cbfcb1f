import re
import sys
import unicodedata

import pytest

from memory_maintenance.writers.model.untrusted import as_line, delimited
from tests.hostile import INJECTIONS

TOKENS = re.compile(
    r"\[/?\|?(?:INST|gMASK|sMASK|MASK|CLS|SEP|UNK|PAD|TOOL_CALLS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|THINK|IMG"
    r"|PREFIX|BEGIN_OF_TEXT|sop|eop|bos|eos|pad|user|system|assistant|human|AI|Round1)\|?\]",
    re.IGNORECASE,
)


@pytest.mark.parametrize("content", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_content_leaves_its_line_or_closes_its_block(content):
    block = delimited("record", [as_line(content, 4000), as_line("the next one", 4000)])
    lines = block.splitlines()
    assert len(lines) == 4
    assert (lines[0], lines[2], lines[3]) == ("<record>", "the next one", "</record>")
    # As the line is, and as a server has it that normalizes.
    for form in (lines[1], *(unicodedata.normalize(form, lines[1]) for form in ("NFC", "NFD", "NFKC", "NFKD"))):
        assert not set("<>") & set(form)
        assert not TOKENS.search("".join(c for c in form if not unicodedata.combining(c) and not c.isspace()))
    assert "\u200b" not in lines[1]
    lines[1].encode()
    assert lines[1].isprintable()


def test_there_are_at_least_a_hundred_attempts():
    assert len(set(INJECTIONS)) >= 100


def test_no_character_of_unicode_is_a_bracket_after_normalization():
    found = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if set("<>[]|") & set(unicodedata.normalize("NFKD", character)) and character not in "[]|"
    ]
    assert len(found) > 10
    for character in found:
        made = as_line(f"a{character}b", 100)
        assert not set("<>") & set(unicodedata.normalize("NFKD", made))
        assert unicodedata.normalize("NFKC", made) == made


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
        (
            "a ≮ b, f(x)[1], [1] and [see below], [iPhone], [Anna]",
            "a ‹ b, f(x)[1], [1] and [see below], [iPhone], [Anna]",
        ),
        ("注文［明日］", "注文[明日]"),
        ("a joiner [IN\u200dST]", "a joiner (IN\u200dST)"),
    ],
)
def test_ordinary_text_stays_readable(content, line):
    assert as_line(content, 4000) == line


@pytest.mark.parametrize("size", [100, 101, 1000, 1_000_000, 10_000_000])
def test_a_long_text_keeps_its_two_ends_within_the_limit(size):
    line = as_line("begin " + "x" * size + " end", 100)
    assert len(line) <= 100
    assert (line[:5], line[-3:]) == ("begin", "end")
