"""How columns are put into sentences: as asked for, as a constraint, as an extreme, as a bound.

What descriptions say comes first; the rest is told from the name and the type of the values.
"""

import re
from dataclasses import dataclass, replace

from astra_arena.synthesizer.tables import lexicon
from astra_arena.synthesizer.tables.catalogue import Attribute, Entity
from astra_arena.synthesizer.tables.naming import (
    a_or_an,
    label_of,
    plural_of,
    singular_of,
    words_of,
)

BEFORE = "^"
"""Marks a form that stands before the noun."""
_EMAIL = "What is the email address of {}?"
_GENERIC_ASKS = ("What is the {label} of {{}}?", "What {label} does {{}} have?")


@dataclass(frozen=True, slots=True)
class ColumnGrammar:
    """Forms of one column. In all, `{}` is the row, the value or the row's noun.

    `{are}` and `{have}` agree with what they follow.
    """

    label: str
    """A noun phrase without article."""
    unit: str
    """After numbers; may be empty."""
    asks: tuple[str, ...]
    """Questions for the value, with `{}` for the row."""
    holds: tuple[str, ...]
    """After a noun, with `{}` for the value."""
    most: tuple[str, ...]
    """The row with the largest value; `{}` is its noun."""
    least: tuple[str, ...]
    at_least: tuple[str, ...]
    """After a noun, with `{}` for the smallest value allowed."""
    at_most: tuple[str, ...]
    as_much: str
    """After a noun, with `{}` for a row that has no more."""
    as_little: str
    during: str = ""
    """After a noun, with `{}` for a span of time: "in June 2013"."""
    counted: str = ""
    """The plural of what numbers count, where they count something."""
    negated: str = ""
    """For booleans: `holds` where the value is 0."""


def grammar_of(entity: Entity, attribute: Attribute) -> ColumnGrammar:
    """Return how a column of an entity is spoken of."""
    inferred = _inferred(entity, attribute)
    words = attribute.words
    changes: dict[str, tuple[str, ...] | str] = {}
    if words.asks:
        changes["asks"] = words.asks
    if words.modifiers:
        changes["holds"] = words.modifiers
    if words.during:
        changes["during"] = words.during
    if words.superlatives:
        changes["most"], changes["least"] = (
            (word if "{}" in word else f"the {{}} with the {word} {inferred.label}",)
            for word in words.superlatives
        )
    return replace(inferred, **changes)


def _inferred(entity: Entity, attribute: Attribute) -> ColumnGrammar:
    if attribute.ambiguous or attribute.words.label:
        return _described(attribute)
    if attribute.profile.is_temporal:
        return _temporal(entity, attribute)
    if attribute.profile.logical_type == "boolean":
        return _boolean(attribute)
    if attribute.profile.is_number:
        return _number(entity, attribute)
    return _text(entity, attribute)


def _described(attribute: Attribute) -> ColumnGrammar:
    label, number_of = attribute.label, "number of "
    if label.startswith(number_of) and attribute.profile.is_number:
        return _count(attribute, label[len(number_of) :])
    plain = _plain(attribute, label, attribute.words.unit or "")
    high = attribute.words.superlatives[0] if attribute.words.superlatives else ""
    much = {"longest": "long", "largest": "large", "greatest": "great"}.get(high)
    if label in lexicon.SCALES:
        return _scaled(plain, lexicon.SCALES[label])
    if much:
        article = a_or_an(label)
        return replace(
            plain,
            as_much=f"with {article} at least as {much} as that of {{}}",
            as_little=f"with {article} no {much}er than that of {{}}",
        )
    return plain


def short_label(entity: Entity, attribute: Attribute) -> str:
    """Return the label without the row's noun in front: an order's "order total" is its total."""
    label = attribute.label
    prefix = f"{entity.singular} "
    if attribute.ambiguous or attribute.words.label or not label.startswith(prefix):
        return label
    rest = label[len(prefix) :]
    taken = {other.label for other in entity.attributes if other is not attribute}
    return label if rest in taken else rest


def _plain(attribute: Attribute, label: str, unit: str) -> ColumnGrammar:
    if attribute.profile.is_temporal or label.split(" ")[-1] in ("year", "date", "time"):
        high, low, more, less = "latest", "earliest", "no earlier than", "no later than"
    else:
        high, low, more, less = *_extremes(label), "at least as high as", "no higher than"
    with_label = f"with {a_or_an(label)}"
    return ColumnGrammar(
        label=label,
        unit=unit,
        asks=tuple(form.format(label=label) for form in _GENERIC_ASKS[: 1 + (not unit)]),
        holds=_plain_holds(attribute, label),
        most=(f"the {{}} with the {high} {label}",),
        least=(f"the {{}} with the {low} {label}",),
        at_least=(f"{with_label} of at least {{}}", f"{with_label} of {{}} or more"),
        at_most=(f"{with_label} of at most {{}}", f"{with_label} of {{}} or less"),
        as_much=f"{with_label} {more} that of {{}}",
        as_little=f"{with_label} {less} that of {{}}",
        during=f"{with_label} {{}}" if attribute.profile.is_temporal else "",
    )


def _plain_holds(attribute: Attribute, label: str) -> tuple[str, ...]:
    if attribute.profile.logical_type == "text":
        return (f"with the {label} {{}}",)
    if attribute.profile.is_number and not attribute.is_measure:
        return (f"with {label} {{}}",)
    return (f"with {a_or_an(label)} of {{}}",)


def _extremes(label: str) -> tuple[str, str]:
    last = label.split(" ")[-1]
    if last in ("duration", "length", "distance", "delay", "runtime"):
        return "longest", "shortest"
    if last in ("area", "population", "size", "quantity", "amount", "weight"):
        return "largest", "smallest"
    return "highest", "lowest"


def _temporal(entity: Entity, attribute: Attribute) -> ColumnGrammar:
    label = short_label(entity, attribute)
    kind = "date" if attribute.profile.logical_type == "date" else "time"
    words = [word for word in words_of(attribute.name) if word not in lexicon.TIME_WORDS]
    if not words:
        plain = _plain(attribute, kind, "")
        return replace(
            plain,
            asks=("When was {}?", f"What is the {kind} of {{}}?"),
            most=("the latest {}", "the most recent {}"),
            least=("the earliest {}", "the first {}"),
            holds=("from {}",),
            during="{}",
        )
    done = _participle(entity, words)
    if done is None:
        plain = _plain(attribute, label, "")
        own = " ".join(words) == entity.singular
        if own:
            return replace(
                plain,
                asks=(f"What is the {kind} of {{}}?",),
                most=("the latest {}", "the most recent {}"),
                least=("the earliest {}",),
                holds=("dated {}",),
                during="dated {}",
            )
        return plain
    base = lexicon.ACTIVE.get(done)
    if base is not None:
        return _active(label, kind, done, base)
    last, first = ("youngest", "oldest") if done == "born" else ("", "")
    if last:
        recent, early = (f"the {last} {{}}",), (f"the {first} {{}}",)
    else:
        recent = (f"the {{}} {done} last", f"the most recently {done} {{}}")
        early = (f"the {{}} {done} first",)
    day = "On what date" if kind == "date" else "When exactly"
    return ColumnGrammar(
        label=label,
        unit="",
        asks=(f"When was {{}} {done}?", f"{day} was {{}} {done}?"),
        holds=(f"{done} on {{}}",),
        most=recent,
        least=early,
        at_least=(f"{done} on or after {{}}",),
        at_most=(f"{done} on or before {{}}",),
        as_much=f"{done} no earlier than {{}}",
        as_little=f"{done} no later than {{}}",
        during=f"{done} {{}}",
    )


def _active(label: str, kind: str, done: str, base: str) -> ColumnGrammar:
    """Return the forms for what is done by the row itself: customers join, and are not joined."""
    day = "On what date" if kind == "date" else "When exactly"
    return ColumnGrammar(
        label=label,
        unit="",
        asks=(f"When did {{}} {base}?", f"{day} did {{}} {base}?"),
        holds=(f"that {done} on {{}}",),
        most=(f"the {{}} that {done} last",),
        least=(f"the {{}} that {done} first",),
        at_least=(f"that {done} on or after {{}}",),
        at_most=(f"that {done} on or before {{}}",),
        as_much=f"that {done} no earlier than {{}}",
        as_little=f"that {done} no later than {{}}",
        during=f"that {done} {{}}",
    )


def _participle(entity: Entity, words: list[str]) -> str | None:
    """Return "placed", "last updated" and the like; `None` where a name holds no such thing."""
    own = words_of(entity.singular)
    if words == own:
        return lexicon.MADE_ITSELF.get(words[-1])
    if words[: len(own)] == own:
        words = words[len(own) :]
    *before, last = words
    if any(word not in lexicon.ADVERBS for word in before):
        return None
    done = lexicon.PARTICIPLES.get(last)
    if done is None:
        regular = re.fullmatch(r"[a-z]{2,}ed", last) and last not in lexicon.NO_PARTICIPLES
        done = last if regular or last in lexicon.IRREGULAR_PARTICIPLES else ""
    if done and done == lexicon.PARTICIPLES.get(own[-1]) and own[-1] in lexicon.MADE_ITSELF:
        # An order is placed, not ordered.
        done = lexicon.MADE_ITSELF[own[-1]]
    return " ".join([*before, done]) if done else None


def _boolean(attribute: Attribute) -> ColumnGrammar:
    first, *rest = words_of(attribute.name)
    plain = _plain(attribute, attribute.label, "")
    if first in ("is", "was", "are", "be") and rest:
        return _adjective(plain, label_of(" ".join(rest)))
    if first in ("has", "have", "with", "includes", "contains") and rest:
        said = label_of(" ".join(rest))
        thing = said if singular_of(said) != said.casefold() else a_or_an(said)
        return replace(plain, holds=(f"with {thing}",), negated=f"without {thing}")
    if first in ("can", "may", "must", "should") and rest:
        said = f"{first} {label_of(' '.join(rest))}"
        negated = f"{first} not {label_of(' '.join(rest))}"
        return replace(plain, holds=(f"that {said}",), negated=f"that {negated}")
    said = attribute.label
    if said in lexicon.STATES or (said.endswith("ed") and said not in lexicon.NO_PARTICIPLES):
        return _adjective(plain, said)
    return replace(plain, holds=(f"marked as {said}",), negated=f"not marked as {said}")


def _adjective(plain: ColumnGrammar, said: str) -> ColumnGrammar:
    # "Gift" in `is_gift` is no adjective, yet "gift orders" is English all the same.
    return replace(plain, holds=(f"{BEFORE}{said}",), negated=f"that {{are}} not {said}")


def _number(entity: Entity, attribute: Attribute) -> ColumnGrammar:
    words = words_of(attribute.name)
    label, unit = short_label(entity, attribute), attribute.words.unit or ""
    if " ".join(words) in lexicon.BARE_UNITS:
        label, unit = lexicon.BARE_UNITS[" ".join(words)]
    elif len(words) > 1 and words[-1] in lexicon.UNITS and not unit:
        label, unit = label_of(" ".join(words[:-1])), lexicon.UNITS[words[-1]]
    elif len(words) > 1 and words[-1] == "m" and words[-2] in lexicon.METRES and not unit:
        label, unit = label_of(" ".join(words[:-1])), "metres"
    else:
        counted = _counted(words)
        if counted and attribute.profile.logical_type == "integer":
            return _count(attribute, counted)
    plain = _plain(attribute, label, unit)
    scale = lexicon.SCALES.get(label)
    if scale is None:
        return plain
    return replace(_scaled(plain, scale), asks=(scale.ask, *plain.asks[:1]))


def _scaled(plain: ColumnGrammar, scale: lexicon.Scale) -> ColumnGrammar:
    both = plain.label in ("price", "cost")
    return replace(
        plain,
        most=(scale.most, *plain.most) if both else (scale.most,),
        least=(scale.least, *plain.least) if both else (scale.least,),
        as_much=f"that {{are}} at least {scale.as_much} {{}}",
        as_little=f"that {{are}} no {_comparative(scale.most)} than {{}}",
    )


def _comparative(most: str) -> str:
    """Return "older" for "the oldest {}", "more expensive" for "the most expensive {}"."""
    word = most.removeprefix("the ").removesuffix(" {}")
    return f"more {word[5:]}" if word.startswith("most ") else f"{word[:-3]}er"


def _counted(words: list[str]) -> str:
    """Return the plural that a number counts: of `num_pages`, `page_count` and `pages` "pages"."""
    last = words[-1]
    if last in ("count", "cnt") and len(words) > 1:
        return plural_of(label_of(" ".join(words[:-1])))
    if words[0] in ("num", "nr", "n", "no", "count") and len(words) > 1:
        rest = words[2:] if words[1] == "of" else words[1:]
        return label_of(" ".join(rest)) if rest and singular_of(rest[-1]) != rest[-1] else ""
    if words[:2] == ["number", "of"] and len(words) > 2:
        return label_of(" ".join(words[2:]))
    for place, word in enumerate(words[1:], start=1):
        if word in ("in", "on", "per", "of", "at", "for"):
            last = words[place - 1]
            break
    plural = singular_of(last) != last and last not in lexicon.UNCOUNTED
    return label_of(" ".join(words)) if plural and len(last) > 3 else ""


def _count(attribute: Attribute, counted: str) -> ColumnGrammar:
    plain = _plain(attribute, f"number of {counted}", "")
    return replace(
        plain,
        asks=(f"How many {counted} does {{}} have?",),
        holds=(f"with {{}} {counted}",),
        most=(f"the {{}} with the most {counted}",),
        least=(f"the {{}} with the fewest {counted}",),
        at_least=(f"with at least {{}} {counted}", f"with {{}} or more {counted}"),
        at_most=(f"with at most {{}} {counted}", f"with {{}} {counted} or fewer"),
        as_much=f"with at least as many {counted} as {{}}",
        as_little=f"with no more {counted} than {{}}",
        counted=counted,
    )


def _text(entity: Entity, attribute: Attribute) -> ColumnGrammar:
    label = short_label(entity, attribute)
    plain = _plain(attribute, label, "")
    last = label.split(" ")[-1]
    asks, holds = plain.asks[:1], plain.holds
    if label in lexicon.CALLED or label == "title":
        called = "titled" if label == "title" else "named"
        asks = ("What is {} called?", *asks) if label == "name" else asks
        holds = (f"{called} {{}}", "called {}")
    elif label == "email":
        return replace(_plain(attribute, "email address", ""), asks=(_EMAIL,))
    elif label in lexicon.PLACES:
        asks, holds = (f"Which {label} is {{}} in?", f"In which {label} is {{}}?"), ("in {}",)
    elif label in lexicon.MAKERS:
        did = lexicon.MAKERS[label]
        asks = (f"Who is the {label} of {{}}?",) if label in lexicon.PERSONS else asks
        holds = (f"{did} by {{}}".strip(),)
    elif label in ("colour", "color"):
        asks, holds = (f"What {label} is {{}}?", *asks), ("in {}",)
    elif label in lexicon.GROUPS:
        asks = (f"Which {label} does {{}} belong to?", *asks)
        holds = (f"in the {label} {{}}", f"in the {{}} {label}")
    elif label in lexicon.KINDS:
        holds = (f"of {label} {{}}",)
    elif last in ("name", "title"):
        holds = (f"with the {label} {{}}",)
    return replace(plain, asks=asks, holds=holds)
