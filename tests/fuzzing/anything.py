"""What may stand at an entrance: any text, any JSON, and values near the edges of what is expected."""

import os
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES: Final = int(os.environ.get("FUZZING_EXAMPLES", "100"))
"""For each test: seconds in CI; with FUZZING_EXAMPLES=100000 a night's worth."""

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
few = settings(fuzzed, max_examples=max(1, EXAMPLES // 3))
"""For what asks a server."""

SECRET: Final = "Zq9-canary-of-the-input"  # noqa: S105
"""A value that no message may repeat."""

texts = (
    st.text(max_size=40)
    | st.sampled_from(["", " ", "\x00", "\ud800", "ACME", "\u202eevil", SECRET])
    | st.just(3000).map(lambda length: "a" * length)
)
numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, -1, 2**31, 2**63, 1e308, -0.0, float("nan"), True])
    | st.just(400).map(lambda digits: 10**digits)
)
instants = st.sampled_from(
    [
        "2026-11-24T02:00Z",
        "2026-11-24T02:00:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "-P3D",
        "P999999999D",
        "soon",
        "1e400",
    ]
)
scalars = st.none() | st.booleans() | numbers | texts | instants
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


def objects(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of the *known* fields, each with what it may be or anything, and perhaps others."""
    fields = {name: strategy | values for name, strategy in known.items()}
    return st.builds(
        lambda named, others: {**others, **named},
        st.fixed_dictionaries({}, optional=fields),
        st.just({}) | st.dictionaries(texts, values, max_size=2),
    )
