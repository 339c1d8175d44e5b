"""What a model is told about the form of its reply: the schema, and what was wrong."""

from collections.abc import Sequence
from functools import cache

from astra_arena.client.authors.prompts import Language, Message, PromptFolder
from astra_arena.core.canonical import JsonObject, canonical_bytes

MOST_SENT_BACK = 20_000
"""Characters of a bad reply that its repair turn quotes."""

_NO_REPLY = "…"
"""Stands for an empty reply: chat templates want the roles to alternate and texts to be there."""

_TEXTS = PromptFolder("astra_arena.client.authors", "texts")


@cache
def instructions_digest(language: Language) -> str:
    """Return one digest over all texts of a language: they decide what a model replies."""
    return "+".join(_TEXTS.load(name, language).digest for name in _TEXTS.names)


def schema_instruction(schema: JsonObject, language: Language) -> str:
    """Return the words that ask for a reply of this schema."""
    return _said("schema", language, schema=_compact(schema))


def with_instruction(messages: Sequence[Message], instruction: str) -> tuple[Message, ...]:
    """Return the messages with an instruction at the end of the last one.

    A message of its own would break chat templates in which the roles must alternate.
    """
    *before, last = messages
    return (*before, Message(last.role, f"{last.content}\n\n{instruction}"))


def repair_messages(
    reply: str, findings: Sequence[str], schema: JsonObject, language: Language
) -> tuple[Message, Message]:
    """Return a bad reply and the answer to it, to be added to the conversation."""
    listed = "\n".join(f"- {finding}" for finding in findings)
    said = _said("repair", language, findings=listed, schema=_compact(schema))
    # A lone surrogate, which JSON can escape, cannot be sent.
    quoted = reply[:MOST_SENT_BACK].encode("utf-8", "replace").decode("utf-8")
    return Message("assistant", quoted or _NO_REPLY), Message("user", said)


def _said(name: str, language: Language, **values: str) -> str:
    return _TEXTS.load(name, language).render(**values).messages[0].content


def _compact(schema: JsonObject) -> str:
    return canonical_bytes(schema).decode("ascii")
