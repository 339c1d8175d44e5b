"""How alike tools are by their documents: cosine of TF-IDF vectors of their words.

A neural embedding would see synonyms, too; words are enough to tell bands apart, need no model, and
give the same numbers everywhere.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from astra_arena.core.environment import ToolSpec
from astra_arena.core.tool_mixing import Band

HIGH, LOW = 0.85, 0.4
"""Scaled similarity above which a tool is in the band `high`, and below which in `low`."""

_WORD = re.compile(r"[a-z]{2,}|\d+")


def words_of_tool(spec: ToolSpec) -> list[str]:
    """Return the words of a tool's document: name, description and parameters."""
    properties = spec.input_schema.get("properties")
    parameters = properties if isinstance(properties, dict) else {}
    texts = [spec.name, spec.name, spec.description]
    for name, rule in parameters.items():
        texts.append(name)
        described = rule.get("description") if isinstance(rule, dict) else None
        texts.append(described if isinstance(described, str) else "")
    return _WORD.findall(" ".join(texts).replace("_", " ").lower())


class ToolSimilarity:
    """Compares tools.

    Args:
        documents: Words of each tool, by any key; all tools there are, so that common words weigh
            little.
    """

    def __init__(self, documents: Mapping[str, Sequence[str]]) -> None:
        seen = Counter(word for words in documents.values() for word in set(words))
        count = len(documents)
        self._vectors = {
            key: _unit({w: n * math.log(1 + count / seen[w]) for w, n in Counter(words).items()})
            for key, words in documents.items()
        }

    def cosine(self, left: str, right: str) -> float:
        """Return the similarity of two tools, in [0, 1]."""
        first, second = self._vectors[left], self._vectors[right]
        if len(second) < len(first):
            first, second = second, first
        return sum(weight * second.get(word, 0.0) for word, weight in sorted(first.items()))

    def scaled(self, key: str, others: Sequence[str]) -> dict[str, float]:
        """Return the similarity to each of the others, the nearest 1 and the farthest 0.

        This is the per-tool min-max normalisation of ASTRA (arXiv 2601.21558), section 3.
        """
        raw = {other: self.cosine(key, other) for other in others}
        low, high = min(raw.values(), default=0.0), max(raw.values(), default=0.0)
        span = high - low
        return {other: (value - low) / span if span else 0.0 for other, value in raw.items()}


def band_of(similarity: float) -> Band:
    """Return the band of a scaled similarity."""
    return "high" if similarity > HIGH else "medium" if similarity >= LOW else "low"


def _unit(vector: dict[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for _, weight in sorted(vector.items())))
    return {word: weight / length for word, weight in vector.items()} if length else vector
