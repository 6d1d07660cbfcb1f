import pytest

from memory_maintenance.writers.language.segmentation import segments


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ana's low-end phones", ["Ana's", "low-end", "phones"]),
        ("数据库主节点磁盘写满", ["数据库", "节点", "磁盘"]),
        ("会食の店は海老アレルギーに注意", ["会食", "海老アレルギー", "注意"]),
        ("ลูกค้าหยุดเครื่อง", ["ลูกค้า", "หยุด", "เครื่อง"]),
        ("ພາສາ", ["ພາສາ"]),
        ("prefers 🌙 dark", ["prefers", "🌙", "dark"]),
    ],
)
def test_words_are_what_a_person_would_point_at(text, words):
    assert segments(text) == words
