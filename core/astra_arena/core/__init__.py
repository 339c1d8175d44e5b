"""Vocabulary, canonical data and verdicts: data and pure functions only.

`cli` is the one module here with a screen: the table of verbs behind the `arena` command.
"""

from astra_arena.core.answers import answers_match
from astra_arena.core.calls import CallRecord
from astra_arena.core.canonical import (
    Json,
    JsonObject,
    canonical_bytes,
    digest_of,
    digest_of_bytes,
    same_json,
)
from astra_arena.core.environment import Environment, ToolSpec, World
from astra_arena.core.errors import ArenaError, boundary
from astra_arena.core.randomness import random_stream
from astra_arena.core.rollouts import EpisodeRecord, Rollout
from astra_arena.core.schema import Checker
from astra_arena.core.tasks import SubQuestion, Task
from astra_arena.core.verdicts import Verdict, score

__all__ = [
    "ArenaError",
    "CallRecord",
    "Checker",
    "Environment",
    "EpisodeRecord",
    "Json",
    "JsonObject",
    "Rollout",
    "SubQuestion",
    "Task",
    "ToolSpec",
    "Verdict",
    "World",
    "answers_match",
    "boundary",
    "canonical_bytes",
    "digest_of",
    "digest_of_bytes",
    "random_stream",
    "same_json",
    "score",
]
