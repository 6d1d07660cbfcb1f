"""Numbers in words, in the languages that the built-in writer knows best."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_UNITS: Final = (
    # 0 to 19, then the tens; some numbers have several forms, joined by a slash.
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty/fourty fifty sixty seventy eighty ninety",
    "null eins/zwo zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn"
    " achtzehn neunzehn zwanzig dreißig/dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "zéro - deux trois quatre cinq six sept huit - dix onze douze treize quatorze quinze seize dix-sept"
    " dix-huit dix-neuf vingt trente quarante cinquante soixante soixante-dix/septante quatre-vingt/quatre-vingts"
    " quatre-vingt-dix/nonante",
    "cero - dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "zero jeden/jedną/jednego dwa/dwie/dwóch/dwoje trzy/trzech cztery/czterech pięć/pięciu sześć/sześciu siedem/siedmiu"
    " osiem/ośmiu dziewięć/dziewięciu dziesięć/dziesięciu jedenaście dwanaście/dwunastu trzynaście czternaście piętnaście/piętnastu"
    " szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia/dwudziestu trzydzieści/trzydziestu czterdzieści"
    " pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt",
    "zero - due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette"
    " diciotto diciannove venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "zero - dois/duas três quatro cinco seis sete oito nove dez onze doze treze catorze/quatorze quinze dezesseis/dezasseis"
    " dezessete/dezassete dezoito dezenove/dezanove vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "nul - twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien"
    " negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig",
    "ноль один/одна два/две/двух три/трёх/трех четыре/четырёх пять/пяти шесть/шести семь/семи восемь/восьми девять/девяти"
    " десять/десяти одиннадцать двенадцать/двенадцати тринадцать четырнадцать пятнадцать/пятнадцати шестнадцать семнадцать"
    " восемнадцать девятнадцать двадцать/двадцати тридцать/тридцати сорок/сорока пятьдесят шестьдесят семьдесят"
    " восемьдесят девяносто",
)  # fmt: skip
_TENS_FROM: Final = 20

_VALUE: Final[dict[str, int]] = {
    form: index if index < _TENS_FROM else (index - _TENS_FROM + 2) * 10
    for language in _UNITS
    for index, forms in enumerate(language.split())
    for form in forms.split("/")
    if form != "-"
}
_VALUE.update({"hundred": 100, "hundert": 100, "cent": 100, "cien": 100, "ciento": 100, "sto": 100, "cento": 100,
               "honderd": 100, "сто": 100, "thousand": 1000, "tausend": 1000, "mille": 1000, "mil": 1000,
               "tysiąc": 1000, "duizend": 1000, "тысяча": 1000, "dozen": 12, "dutzend": 12, "douzaine": 12,
               "docena": 12, "tuzin": 12})  # fmt: skip

NUMBER_WORDS: Final = frozenset(_VALUE)

_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_GERMAN: Final = re.compile(r"(ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und(\w+zig|dreißig)")
_HAN_DIGITS: Final = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"两": 2, "零": 0}
_HAN: Final = re.compile(
    "[〇零一二两三四五六七八九十百]+(?=[个個年月日号天人次件块元小点点時时分台位名本枚泊名円度周週])"
)


def numbers_in_words(text: str) -> Iterator[str]:
    """Yield, as digits, the whole numbers that casefolded *text* has in words; ``twenty-five`` is 25, 20 and 5."""
    before = 0
    for found in _WORD.finditer(text):
        word = found.group()
        value = _VALUE.get(word)
        if value is None:
            yield from _compound(word)
            before = 0
            continue
        yield str(value)
        if before >= _TENS_FROM and before % 10 == 0 and 0 < value < 10:  # noqa: PLR2004
            yield str(before + value)
        before = value
    for han in _HAN.finditer(text):
        yield str(_han(han.group()))


def _compound(word: str) -> Iterator[str]:
    if german := _GERMAN.fullmatch(word):
        unit = _VALUE.get(german[1], 1)
        if tens := _VALUE.get(german[2]):
            yield str(tens + unit)
        return
    parts = [_VALUE.get(part) for part in word.split("-")]
    known = [part for part in parts if part is not None]
    if len(known) > 1 and len(known) == len(parts):
        yield str(sum(known))
    yield from map(str, known)


def _han(digits: str) -> int:
    total, unit = 0, 0
    for sign in digits:
        if sign in ("十", "百"):
            total += (unit or 1) * (10 if sign == "十" else 100)
            unit = 0
        else:
            unit = unit * 10 + _HAN_DIGITS[sign]
    return total + unit
