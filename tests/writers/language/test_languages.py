import pytest

from memory_maintenance.writers.language.languages import language_of, language_of_all, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The deadline is on Friday and we are late.", "en"),
        ("Die Pumpe ist defekt und wird nicht geliefert.", "de"),
        ("Le colis est arrivé hier, mais il manque la facture.", "fr"),
        ("La factura no es mía y quiero que la anulen.", "es"),
        ("Paczka nie dotarła, bo wpisano zły adres.", "pl"),
        ("Il pacco non è arrivato perché l'indirizzo era sbagliato.", "it"),
        ("Отчёт не собирался, потому что файл был большой.", "ru"),
        ("数据库主节点磁盘写满。", None),
        ("xyzzy 42", None),
        ("", None),
    ],
)
def test_a_language_is_recognized_by_the_words_that_hold_a_sentence_together(text, language):
    assert language_of(text) == language


def test_a_conversation_has_the_language_of_most_of_its_lines():
    assert language_of_all(["ok", "Die Pumpe ist defekt.", "Das Ersatzteil kommt nicht am Mittwoch."]) == "de"


@pytest.mark.parametrize(
    ("text", "script"),
    [("Łódź 12", "latin"), ("отчёт", "cyrillic"), ("数据库 v2", "unspaced"), ("ลูกค้า", "unspaced"),
     ("فاتورة", "arabic"), ("חשבונית", "hebrew"), ("हिन्दी", "indic"), ("한국어", "hangul"), ("12!", "other")],
)  # fmt: skip
def test_a_script_is_that_of_most_letters(text, script):
    assert script_of(text) == script
