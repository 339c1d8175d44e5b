"""Vocabulary, canonical data and verdicts: data and pure functions only."""

__all__: list[str] = []
