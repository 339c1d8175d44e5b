"""Tools over facts in three parts, as they run in the sandbox.

This module is read as text, function by function; it stands here as code so that it is checked and
formatted like any other. It was written without any question in sight.
"""

import sqlite3

_MOST_FACTS = 20


def _spelled(words: str) -> str:
    """Return words as they are compared: in lower case, with single spaces."""
    return " ".join(words.lower().split())


def _facts_of(world: sqlite3.Connection, subject: str) -> list[tuple[str, str, str]]:
    """Return what is known of a subject, in a fixed order."""
    rows = world.execute(
        "SELECT subject, relation, object FROM facts WHERE folded = ? ORDER BY relation, object",
        (_spelled(subject),),
    ).fetchall()
    if not rows:
        raise LookupError(f"nothing is known of {subject!r}")
    return [(str(one), str(relation), str(other)) for one, relation, other in rows]


def list_relations(world: sqlite3.Connection, *, subject: str) -> dict[str, list[str]]:
    """List what kinds of facts there are about a subject; not the facts themselves."""
    relations = [relation for _, relation, _ in _facts_of(world, subject)]
    return {"relations": sorted(set(relations))[:_MOST_FACTS]}


def look_up(
    world: sqlite3.Connection, *, subject: str, relation: str
) -> dict[str, list[dict[str, str]]]:
    """Look up facts about a subject by their kind."""
    wanted = _spelled(relation)
    found = [
        {"subject": one, "relation": kind, "object": other}
        for one, kind, other in _facts_of(world, subject)
        if _spelled(kind) == wanted
    ]
    if not found:
        raise LookupError(f"no such fact is known of {subject!r}; list_relations lists the kinds")
    return {"facts": found[:_MOST_FACTS]}
