import pytest

from memory_maintenance.embedding.policy import smaller


@pytest.mark.parametrize(
    ("texts", "too_long", "parts"),
    [
        pytest.param({"a": "x", "b": "y", "c": "z"}, False, [{"a": "x"}, {"b": "y", "c": "z"}], id="halves"),
        pytest.param({"a": "x", "b": "y"}, True, [{"a": "x"}, {"b": "y"}], id="halves, whatever the length"),
        pytest.param({"a": "x" * 1001}, True, [{"a": "x" * 500}], id="the first half of a long text"),
        pytest.param({"a": "x" * 1001}, False, [], id="a text that is not refused for its length"),
        pytest.param({"a": "x" * 400}, True, [], id="a text that every model takes"),
    ],
)
def test_a_refused_batch_is_tried_in_smaller_ones(texts, too_long, parts):
    assert smaller(texts, too_long=too_long) == parts


def test_every_text_is_reached_alone_and_none_is_lost():
    queue, alone = [{str(n): "text" for n in range(64)}], []
    while queue:
        part = queue.pop()
        further = smaller(part, too_long=False)
        queue += further
        alone += [] if further else list(part)
    assert sorted(alone, key=int) == [str(n) for n in range(64)]
