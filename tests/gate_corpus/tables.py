"""The confusion table of the corpus, as Markdown."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.gate_corpus.judging import GATES, Judgement

_MARKS = {"failed": "✗", "passed": "·", "not_applicable": "-"}

HEAD = """\
# Do the gates tell good environments from defective ones?

Each defective case is a good environment with exactly one defect in it. Half of the cases, *held
out*, were written before the gates and are never changed to please them; on the other half,
*tuned*, gates may be tuned. Both are made anew, examined and written down by
`python -m tests.gate_corpus --out docs/gates-confusion.md`.

TP: a defect rejected. FN: a defect that passed. FP: a good case rejected. TN: a good case passed.
"""


def written(halves: Mapping[str, Sequence[Judgement]]) -> str:
    """Return the page for the judgements of each half."""
    lines = [HEAD, *_summary(halves)]
    for half, judgements in halves.items():
        lines += [f"\n## {_title(half)}: by gate\n", *_by_gate(judgements)]
        lines += [f"\n## {_title(half)}: defective\n", *_cases(judgements, good=False)]
        lines += [f"\n## {_title(half)}: good\n", *_cases(judgements, good=True)]
        lines += _mistakes(half, judgements)
    return "\n".join(lines) + "\n"


def _title(half: str) -> str:
    return half.replace("_", " ").capitalize()


def _summary(halves: Mapping[str, Sequence[Judgement]]) -> Iterator[str]:
    yield (
        "| half | defective | TP | FN | by the gate meant | by it first | innocent tasks "
        "| good | TN | FP |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for half, judgements in halves.items():
        counts = Counter(one.truth for one in judgements)
        bad = [one for one in judgements if one.defect]
        meant = sum(one.as_meant for one in bad)
        first = sum(one.rejected_by[:1] == (one.meant,) for one in bad)
        innocent = sum(len(one.innocent) for one in bad)
        yield (
            f"| {_title(half).lower()} | {len(bad)} | {counts['TP']} | {counts['FN']} | {meant} "
            f"| {first} | {innocent} | {len(judgements) - len(bad)} | {counts['TN']} "
            f"| {counts['FP']} |"
        )


def _by_gate(judgements: Sequence[Judgement]) -> Iterator[str]:
    yield "| gate | meant for | rejected by it | by others only | passed | good rejected |"
    yield "|---|---|---|---|---|---|"
    for gate in GATES:
        meant = [one for one in judgements if one.meant == gate]
        own = sum(one.as_meant for one in meant)
        passed = sum(one.truth == "FN" for one in meant)
        wrongly = sum(not one.defect and gate in one.rejected_by for one in judgements)
        others = len(meant) - own - passed
        yield f"| {gate} | {len(meant)} | {own} | {others} | {passed} | {wrongly} |"


def _cases(judgements: Sequence[Judgement], *, good: bool) -> Iterator[str]:
    names = [name for name in GATES if any(name in one.statuses for one in judgements)]
    columns = ["case", *(() if good else ("defect", "meant")), "verdict", "rejected first by"]
    yield "| " + " | ".join([*columns, *names]) + " |"
    yield "|---" * (len(columns) + len(names)) + "|"
    for one in judgements:
        if bool(one.defect) == good:
            continue
        first = one.rejected_by[0] if one.rejected_by else "-"
        marks = [_MARKS.get(one.statuses.get(name, ""), " ") for name in names]
        about = [] if good else [one.defect, str(one.meant)]
        yield "| " + " | ".join([one.case, *about, one.truth, first, *marks]) + " |"
    yield "\n✗ failed · passed, - not applicable."


def _mistakes(half: str, judgements: Sequence[Judgement]) -> Iterator[str]:
    wrong = [one for one in judgements if one.truth in ("FP", "FN")]
    if wrong:
        yield f"\n## {_title(half)}: mistakes\n"
    for one in wrong:
        why = one.reasons[0] if one.reasons else f"no gate rejected it; it is: {one.defect}"
        yield f"- `{one.case}` ({one.truth}): {why}"
