"""Other names for tools that mean the same, and texts in which tools are called by them."""

import random
import re
from collections.abc import Collection, Iterable, Mapping

from astra_arena.core.schema import RESERVED_TOOL_NAMES

_VERBS = (
    ("get", "fetch", "read", "retrieve"),
    ("list", "enumerate", "browse"),
    ("find", "locate", "look_up"),
    ("search", "query", "look_for"),
    ("create", "make", "register"),
    ("add", "append", "insert"),
    ("update", "modify", "change", "edit"),
    ("delete", "remove", "erase"),
    ("set", "assign", "put"),
    ("cancel", "call_off", "revoke"),
    ("count", "tally", "number_of"),
    ("sum", "total", "add_up"),
    ("show", "display", "view"),
    ("send", "dispatch", "submit"),
    ("compute", "calculate", "work_out"),
    ("compare", "contrast"),
    ("check", "inspect"),
    ("move", "transfer", "shift"),
    ("return", "give_back", "bring_back"),
    ("draw", "pick", "choose"),
)
_NOUNS = (
    ("customer", "client"),
    ("customers", "clients"),
    ("movie", "film"),
    ("movies", "films"),
    ("details", "information"),
    ("purchase", "order"),
    ("purchases", "orders"),
    ("average", "mean"),
)
_LONGEST = 63


def renamed(name: str, stream: random.Random, *, taken: Collection[str], words: set[str]) -> str:
    """Return another name for a tool that means the same.

    Args:
        name: Its own.
        stream: Draws one of several.
        taken: Names that others have.
        words: All words of the environment: a noun is not replaced by one that has a meaning there.
    """
    found = [one for one in _same_meaning(name, words) if _is_free(one, name, taken)]
    if found:
        return stream.choice(sorted(found))
    return next(one for one in _other_forms(name) if _is_free(one, name, taken))


def _same_meaning(name: str, words: set[str]) -> set[str]:
    head, *rest = name.split("_")
    verbs = _others(head, _VERBS)
    found = {"_".join([verb, *rest]) for verb in verbs}
    for place, noun in enumerate(rest):
        for other in _others(noun, _NOUNS) if words.isdisjoint(_others(noun, _NOUNS)) else ():
            changed = [*rest[:place], other, *rest[place + 1 :]]
            found |= {"_".join([verb, *changed]) for verb in (*verbs, head)}
    return found


def _others(word: str, groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the words that mean the same; a word that stands first in no group keeps its own."""
    return next(
        (tuple(one for one in group if one != word) for group in groups if word in group), ()
    )


def _other_forms(name: str) -> Iterable[str]:
    head, separator, rest = name.partition("_")
    if separator and rest[:1].isalpha():
        yield f"{rest}_{head}"
    yield f"run_{name}"
    yield f"{name}_now"
    for number in range(2, 1000):
        yield f"{name[: _LONGEST - 4]}_{number}"


def _is_free(new: str, old: str, taken: Collection[str]) -> bool:
    usable = len(new) <= _LONGEST and new not in RESERVED_TOOL_NAMES and "__" not in new
    return usable and new != old and new not in taken


def in_new_names(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which tools are called by their new names.

    A name of several words stands for its tool wherever it is; one word may just be a word, so it
    counts where it is quoted or called.

    Args:
        text: The text.
        names: The new names, by the old ones.
    """
    present = [name for name in names if name in text]
    if not present:
        return text
    either = "|".join(re.escape(name) for name in sorted(present, key=lambda one: (-len(one), one)))
    pattern = re.compile(rf"(?<![A-Za-z0-9_])({either})(?![A-Za-z0-9_])")

    def new(match: re.Match[str]) -> str:
        name = match[1]
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        quoted = (before in tuple("`'\"") and before == after) or after == "("
        return names[name] if "_" in name or quoted else name

    return pattern.sub(new, text)
