"""Words as a person would point at them, also in scripts without spaces: 数据库, 会食, 海老アレルギー.

Where the words of a script cannot be separated, the text between two marks is one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

import budoux

from memory_maintenance.writers.language.cleaning import clean

_HAN: Final = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff"
_KANA: Final = "\u3041-\u3096\u30a1-\u30fa\u30fc"
_THAI: Final = "\u0e01-\u0e4e"
_OTHERS: Final = "\u0e81-\u0eff\u1000-\u109f\u1780-\u17ff"
_UNSPACED_RUN: Final = rf"[{_HAN}{_KANA}]+|[{_THAI}]+|[{_OTHERS}]+"
_WORD: Final = rf"[^\W_{_HAN}{_KANA}{_THAI}{_OTHERS}]+"
_RUN: Final = re.compile(
    rf"{_UNSPACED_RUN}|{_WORD}(?:['’.-]{_WORD})*|[.!?。！？,，、;；:：()（）「」“”„«»\"\n\u2190-\u2bff\U0001f000-\U0001faff]"
)
_MIXED: Final = re.compile(
    rf"(?:(?<![^\W_])[0-9A-Za-z%]+)?[{_HAN}{_KANA}](?:[{_HAN}{_KANA}]|[0-9A-Za-z%]++(?![^\W_{_HAN}{_KANA}]))*"
    rf"|[{_THAI}]+|[{_OTHERS}]+"
)
_JAPANESE: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_CORE: Final = re.compile(f"[{_HAN}\u30a1-\u30fa\u30fc]{{2,}}")
_UNSPACED: Final = re.compile(f"[{_HAN}{_KANA}{_THAI}{_OTHERS}]")
_LONGEST_UNKNOWN: Final = 24
_HAN_LETTER: Final = re.compile(f"[{_HAN}]")
_NOUNS: Final = frozenset("nxjil")
_FEW: Final = 2

_CHINESE_WORDS: Final = frozenset(
    "因为 所以 但是 而且 如果 不是 可以 需要 之前 之后 以后 以前 时候 什么 怎么 一下 一个 我们 你们 他们 已经 没有 还是 或者 以及 上周 下周 今天 明天 昨天 用户 助手"
    " 更正 决定 要求 同意 不再 每块 约有 问题".split()
)
_JAPANESE_WORDS: Final = frozenset(
    "必要 場合 予定 先方 要注意 今日 明日 昨日 来月 今月 以内 訂正 変更 決定 一人 用件 都合".split()
)
_THAI_WORDS: Final = frozenset(
    "ที่ และ ใน ของ จะ ให้ ได้ ว่า ไม่ มี เป็น การ ความ แล้ว เพราะ เมื่อ กับ จาก ขอ ก็ ยัง นี้ นั้น ต้อง อยู่ มา ไป ด้วย หรือ แต่ ถึง โดย ก่อน หลัง ตั้งแต่ วัน เดือน"
    " ปี ครับ ค่ะ คุณ ผม ฉัน เรา".split()
)


def segments(text: str) -> list[str]:
    """Return the words of *text* in order as they are written, marks between sentences as words of their own."""
    cleaned = clean(text)
    if not is_unspaced(cleaned):
        return _RUN.findall(cleaned)
    found: list[str] = []
    japanese, end = _JAPANESE.search(cleaned) is not None, 0
    for run in _MIXED.finditer(cleaned):
        found.extend(_RUN.findall(cleaned[end : run.start()]))
        found.extend(_split(run.group(), japanese=japanese))
        end = run.end()
    return [*found, *_RUN.findall(cleaned[end:])]


def is_unspaced(word: str) -> bool:
    """Whether *word* is of a script without spaces."""
    return not word.isascii() and _UNSPACED.search(word) is not None


@lru_cache(maxsize=4096)
def _split(run: str, *, japanese: bool) -> tuple[str, ...]:
    if re.match(f"[{_OTHERS}]", run):
        return (run,) if len(run) <= _LONGEST_UNKNOWN else ()
    if re.match(f"[{_THAI}]", run):
        return tuple(part for part in _parser("thai").parse(run) if part not in _THAI_WORDS and len(part) > _FEW)
    if japanese:
        cores = (core for part in _parser("japanese").parse(run) for core in _CORE.findall(part))
        return tuple(core for core in cores if core not in _JAPANESE_WORDS)
    return tuple(_chinese(run))


def _chinese(run: str) -> Iterator[str]:
    """Yield the nouns, and words of another alphabet. jieba tags what it knows; what it does not know is a name."""
    import rjieba  # noqa: PLC0415  (its dictionary takes 40 MB, which only texts with Han need)

    for word, kind in rjieba.tag(run):
        noun = kind[:1] in _NOUNS or kind == "vn"
        if len(word) > 1 and (noun or not _HAN_LETTER.search(word)) and word not in _CHINESE_WORDS:
            yield word


@cache
def _parser(language: str) -> budoux.Parser:
    match language:
        case "thai":
            return budoux.load_default_thai_parser()
        case _:
            return budoux.load_default_japanese_parser()
