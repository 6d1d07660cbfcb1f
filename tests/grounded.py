"""How the tests ask whether a text says only what its sources say."""

from collections.abc import Sequence

from memory_maintenance.writers.language.figures import unsupported_figures
from memory_maintenance.writers.language.words import content_stems


def unsupported(text: str, sources: Sequence[str]) -> frozenset[str]:
    """Return the content words (as stems) and figures of *text* that are in none of *sources*, word by word.

    Stricter than the gate for a model's answers, which allows a share: what the built-in writer says is taken from
    the sources, so nothing may be left.
    """
    stems = {stem for stem in content_stems(text) if not stem.isdecimal()}
    return frozenset(stems.difference(*map(content_stems, sources)) | unsupported_figures(text, sources))
