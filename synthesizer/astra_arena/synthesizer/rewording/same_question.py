"""Whether a question in other words still asks the same, decided by rules.

They are strict rather than clever: what they cannot follow is refused, and the original stays.
"""

import re
from collections.abc import Collection, Iterator

from astra_arena.synthesizer.qa.languages import Language
from astra_arena.synthesizer.qa.number_text import numbers_in_text
from astra_arena.synthesizer.rewording.masked_prompt import MaskedPrompt, marks_in, without_marks

MOST_LONGER = 3.0
"""A text that is so much longer says more than the question did."""
_LEAST_LETTERS = 8

_KINDS: dict[str, dict[Language, str]] = {
    "a negation": {
        "en": "not; no; never; without; except; excluding; neither; nor; other than; \\w+n't",
        "zh": "不(?!同); 没; 未; 非; 除了; 除外; 以外",
    },
    "a lower bound": {
        "en": "more than; over; above; greater than; exceed\\w*; at least; or more; no less; "
        "longer than; higher than; later than; after; since; minimum of",
        "zh": "超过; 大于; 高于; 多于; 至少; 以上; 之后; 以后; 晚于; 不少于; 长于",
    },
    "an upper bound": {
        "en": "less than; fewer than; under; below; at most; or less; or fewer; up to; no more; "
        "shorter than; lower than; earlier than; before; until; maximum of",
        "zh": "少于; 小于; 低于; 至多; 以下; 之前; 以前; 早于; 不超过; 短于",
    },
    "a greatest": {
        "en": "most; highest; largest; greatest; biggest; maximum; max; top; latest; newest; "
        "longest; best; last; tallest; heaviest; priciest",
        "zh": "最(?:高|大|多|新|长|晚|贵|好|重|后)",
    },
    "a least": {
        "en": "least; lowest; smallest; fewest; minimum; min; earliest; oldest; shortest; first; "
        "worst; cheapest; lightest",
        "zh": "最(?:低|小|少|旧|短|早|便宜|差|轻|先); 第一",
    },
    "a count": {"en": "how many; number of; count", "zh": "多少个; 几个; 数量; 多少"},
    "a sum": {"en": "total; sum; altogether; combined; in all", "zh": "总; 合计; 共"},
    "an average": {"en": "average; mean; on average", "zh": "平均"},
    "a difference": {"en": "difference; differ; how much \\w+er", "zh": "差; 相差"},
    "a restriction": {"en": "only; just; exclusively; solely", "zh": "只; 仅; 唯一"},
    "an alternative": {"en": "or; either", "zh": "或; 还是"},
    "all of them": {"en": "all; every; each; any", "zh": "所有; 全部; 每; 任何"},
    "an order": {
        "en": "sort\\w*; order(?:ed)? by; rank\\w*; ascending; descending; alphabetical\\w*",
        "zh": "排序; 升序; 降序; 排列",
    },
}
_COUNTED = frozenset({"a negation", "a greatest", "a least", "an average", "an alternative"})
"""Of these one more or less is another question; others may be said twice."""
_ASIDES: dict[Language, str] = {
    "en": "no (?:idea|clue); no longer; at once; at last; first of all; last thing; after all; "
    "all right; just (?:wondering|curious|checking); not sure; don't know; or so; once more; "
    "over here; under the impression; at all",
    "zh": "不知道; 不清楚; 麻烦; 总之",
}
"""What people say around a question; it asks nothing."""


def _pattern(phrases: str, language: Language) -> re.Pattern[str]:
    joined = "|".join(phrases.split("; "))
    return re.compile(rf"\b(?:{joined})\b" if language == "en" else joined, re.IGNORECASE)


def differences(
    original: MaskedPrompt, text: str, terms: Collection[str], language: Language
) -> Iterator[str]:
    """Say in what a question in other words differs, in words for the model.

    Args:
        original: The question with its values masked.
        text: The same in other words, with the same marks.
        terms: Words that name what is asked about and by what it is chosen.
        language: Of both.
    """
    wanted = list(range(1, len(original.values) + 1))
    if sorted(marks_in(text)) != wanted:
        yield (
            f"expected each of {', '.join(f'⟦{one}⟧' for one in wanted) or 'no mark'} once, got "
            f"{', '.join(f'⟦{one}⟧' for one in marks_in(text)) or 'none'}"
        )
        return
    before, after = without_marks(original.text), without_marks(text)
    if "⟦" in after or "⟧" in after:
        yield "expected whole marks, like ⟦1⟧"
    if not text.strip() or sum(one.isalpha() for one in after) < _LEAST_LETTERS:
        yield "expected a question"
    if len(after) > MOST_LONGER * len(before) + 120:
        yield "it is much longer than the question; it must not say more"
    yield from _number_differences(before, after)
    yield from _kind_differences(before, after, language)
    for term in sorted(terms):
        if _names(before, term) and not _names(after, term):
            yield f"it no longer says {term!r}"
        if _names(after, term) and not _names(before, term):
            yield f"it says {term!r}, which the question does not"


def _number_differences(before: str, after: str) -> Iterator[str]:
    known = {number.value for number in numbers_in_text(before)}
    for number in numbers_in_text(after):
        # One and two are words of everyday speech: "one of them", "the two".
        if number.value not in known and number.value not in (1, 2):
            yield f"it says {number.value}, which the question does not"


def _kind_differences(before: str, after: str, language: Language) -> Iterator[str]:
    asides = _pattern(_ASIDES[language], language)
    texts = [asides.sub(" ", one.replace("\u2019", "'")) for one in (before, after)]
    for kind, phrases in _KINDS.items():
        pattern = _pattern(phrases[language], language)
        counts = [len(pattern.findall(one)) for one in texts]
        if kind not in _COUNTED:
            counts = [min(count, 1) for count in counts]
        if counts[0] > counts[1]:
            yield f"the question has {kind}, which is missing"
        if counts[0] < counts[1]:
            yield f"it has {kind}, which the question has not"


def _names(text: str, term: str) -> bool:
    """Tell whether a text has a word of one stem with a term."""
    if not term.isascii():
        return term in text
    stem = term.casefold()[: max(4, len(term) - 3)]
    return re.search(rf"\b{re.escape(stem)}", text.casefold()) is not None
