"""Writes a report card as one page that stands by itself: no script, nothing from elsewhere."""

from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.gates.gate import Finding, GateResult
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.report_style import STYLE

MOST_FINDINGS = 200
"""Findings of one gate that are written out; `report.json` has them all."""

TITLES: dict[str, tuple[str, str]] = {
    "schema": ("Schemas", "Declarations, signatures and replies agree"),
    "static": ("Code rules", "The code depends on world, arguments and seed alone"),
    "replay": ("Replay", "Gold earns everything in fresh processes, byte for byte"),
    "argument_sensitivity": ("Argument sensitivity", "Every gold argument matters"),
    "data_flow": ("Data flow", "A parent's answer decides its child's"),
    "leak": ("Leaks", "No gold where no work is needed to read it"),
    "floor_and_ceiling": ("Floor and ceiling", "Knowing earns everything, guessing little"),
    "wrong_solutions": ("Wrong solutions", "What is nearly right earns less"),
    "alternative_solutions": ("Other solutions", "What is right in another way earns all"),
    "exploit_probes": ("Exploit probes", "Cheating is refused or is plain data"),
    "isolation": ("Isolation", "No state but the world, no order but the stated one"),
    "near_duplicates": ("Near-duplicates", "No task asks what another asked"),
}

_ABOUT_TASKS = "near_duplicates"

_STATUS = {"passed": "passed", "failed": "failed", "not_applicable": "not applicable"}


def report_page(card: ReportCard) -> str:
    """Return the page of an examined environment. It quotes gold: for operators only."""
    return "".join(_page(card))


def _page(card: ReportCard) -> Iterator[str]:
    title = card.title or card.name
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escape(title)}: release report</title>\n<style>{STYLE}</style>\n</head>\n"
    yield f"<body>\n<main>\n<h1>{escape(title)}</h1>\n"
    yield _summary(card)
    yield _gates(card)
    for gate in card.gates:
        if gate.findings:
            yield from _findings(gate)
    yield from _distribution(card)
    for member in card.members:
        yield f"<h2>Member: {escape(member.title or member.name)}</h2>\n"
        yield _summary(member) + _gates(member)
        for gate in member.gates:
            if gate.findings:
                yield from _findings(gate)
    yield "</main>\n</body>\n</html>\n"


def _summary(card: ReportCard) -> str:
    verdict = card.verdict
    tone = {"passed": "good", "rejected": "bad"}.get(verdict, "mixed")
    facts = [
        ("Tasks examined", f"{len(card.tasks)}"),
        ("Tasks passed", f"{len(card.passed_tasks)}"),
        ("Tasks rejected", f"{len(card.rejected_tasks)}"),
        ("Gates failed", f"{sum(g.status == 'failed' for g in card.gates)} of {len(card.gates)}"),
    ]
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    problems = "".join(f"<li>{escape(one)}</li>" for one in card.environment_problems)
    digests = [("environment", card.environment_digest), ("tasks", card.tasks_digest)]
    spelled = "".join(
        f"<tr><th>{name}</th><td><code>{escape(digest)}</code></td></tr>"
        for name, digest in digests
        if digest
    )
    return (
        f'<p class="verdict {tone}">{escape(verdict[:1].upper() + verdict[1:])}</p>\n'
        f'<dl class="tiles">{tiles}</dl>\n'
        + (f'<ul class="problems">{problems}</ul>\n' if problems else "")
        + f'<table class="digests">{spelled}<tr><th>seed</th><td>{card.seed}</td></tr></table>\n'
    )


def _gates(card: ReportCard) -> str:
    rows = "".join(_gate_row(gate) for gate in card.gates)
    return (
        '<section><h2>Gates</h2>\n<div class="wide"><table>\n<thead><tr><th>Gate</th>'
        "<th>Result</th><th>Findings</th><th>Figures</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _gate_row(gate: GateResult) -> str:
    title, what = TITLES.get(gate.gate, (gate.gate, ""))
    figures = "".join(
        f"<div><span>{escape(_spaced(name))}</span> {escape(_shown(value))}</div>"
        for name, value in gate.figures.items()
        if not isinstance(value, dict) and value not in ([], "")
    )
    badge = f'<span class="badge {gate.status}">{_STATUS[gate.status]}</span>'
    return (
        f"<tr><td><strong>{escape(title)}</strong><br><small>{escape(what)}</small></td>"
        f'<td>{badge}</td><td class="number">{len(gate.findings)}</td>'
        f'<td class="figures">{escape(gate.reason)}{figures}</td></tr>\n'
    )


def _findings(gate: GateResult) -> Iterator[str]:
    title, _ = TITLES.get(gate.gate, (gate.gate, ""))
    yield f"<section><h2>{escape(title)}: findings</h2>\n"
    kinds = Counter(finding.kind or "other" for finding in gate.findings)
    listed = ", ".join(f"{escape(kind)} {count}" for kind, count in sorted(kinds.items()))
    yield f"<p>{listed}</p>\n"
    yield '<div class="wide"><table>\n<thead><tr><th>Task</th><th>Tool</th><th>Kind</th>'
    yield "<th>Problem</th></tr></thead>\n<tbody>"
    yield from map(_finding_row, gate.findings[:MOST_FINDINGS])
    yield "</tbody></table></div>\n"
    more = len(gate.findings) - MOST_FINDINGS
    if more > 0:
        yield f"<p>… and {more} more in report.json</p>\n"
    yield "</section>\n"


def _finding_row(finding: Finding) -> str:
    cells = (finding.task or "all", finding.tool or "", finding.kind, finding.problem)
    spelled = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{spelled}</tr>\n"


def _distribution(card: ReportCard) -> Iterator[str]:
    # What the tasks are like comes first, then what was done with them.
    gates = sorted(card.gates, key=lambda gate: gate.gate != _ABOUT_TASKS)
    spreads = [
        (gate, name, value)
        for gate in gates
        for name, value in gate.figures.items()
        if isinstance(value, dict) and value and _is_spread(value)
    ]
    if not spreads:
        return
    yield '<section><h2>Distribution</h2>\n<div class="spreads">\n'
    for gate, name, value in spreads:
        about = "" if gate.gate == _ABOUT_TASKS else f"{TITLES.get(gate.gate, (gate.gate,))[0]}: "
        told = escape(f"{about}{_spaced(name)}")
        yield f"<div><h3>{told}</h3><table>{''.join(_bars(value))}</table></div>\n"
    yield "</div></section>\n"


def _is_spread(value: JsonObject) -> bool:
    return all(isinstance(count, int | float) for count in value.values())


def _bars(value: JsonObject) -> Iterable[str]:
    counts = {key: count for key, count in value.items() if isinstance(count, int | float)}
    most = max(counts.values(), default=0) or 1
    for key, count in counts.items():
        yield (
            f"<tr><th>{escape(key)}</th><td class='bar'>"
            f"<i style='width:{100 * count / most:.0f}%'></i></td>"
            f"<td class='number'>{escape(_shown(count))}</td></tr>"
        )


def _shown(value: Json) -> str:
    match value:
        case list():
            between = "; " if any(isinstance(item, dict) for item in value) else ", "
            return between.join(_shown(item) for item in value)
        case dict():
            return ", ".join(f"{_spaced(name)} {_shown(item)}" for name, item in value.items())
        case float():
            return f"{value:.3g}"
        case _:
            return str(value)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
