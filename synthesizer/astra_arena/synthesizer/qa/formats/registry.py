"""The formats by name, and which one a file is in."""

from collections.abc import Sequence

from astra_arena.core.canonical import JsonObject
from astra_arena.core.errors import SettingsError, SourceError
from astra_arena.synthesizer.qa.formats.finqa import ConvFinQaFormat, FinQaFormat
from astra_arena.synthesizer.qa.formats.format import Format
from astra_arena.synthesizer.qa.formats.gsm8k import Gsm8kFormat
from astra_arena.synthesizer.qa.formats.passages import (
    HotpotQaFormat,
    MuSiQueFormat,
    TwoWikiFormat,
)
from astra_arena.synthesizer.qa.formats.plain import PlainFormat
from astra_arena.synthesizer.qa.formats.strategyqa import StrategyQaFormat
from astra_arena.synthesizer.qa.formats.tatqa import TatQaFormat

AUTO = "auto"


def all_formats() -> tuple[Format, ...]:
    """Return every format; a record may fit several, then the first of them is its format."""
    return (
        MuSiQueFormat(),
        TwoWikiFormat(),
        HotpotQaFormat(),
        StrategyQaFormat(),
        TatQaFormat(),
        FinQaFormat(),
        ConvFinQaFormat(),
        Gsm8kFormat(),
        PlainFormat(),
    )


def format_names() -> tuple[str, ...]:
    """Return what may be asked for."""
    return (AUTO, *(one.name for one in all_formats()))


def chosen_format(name: str, records: Sequence[JsonObject], *, file: str) -> Format:
    """Return the format of this name; with `auto`, the one that most of a file's first records fit.

    Raises:
        SettingsError: if there is no format of that name.
        SourceError: if no format fits a record.
    """
    formats = all_formats()
    if name != AUTO:
        found = next((one for one in formats if one.name == name), None)
        if found is None:
            raise SettingsError(
                f"there is no format {name!r}; the formats are {', '.join(format_names())}"
            )
        return found
    fitting = [_format_of(record, formats) for record in records]
    votes = {one.name: sum(other is one for other in fitting) for one in formats}
    best = max(formats, key=lambda one: votes[one.name])
    if not records:
        raise SourceError(
            f"{file} holds no records: expected JSON objects, one per line or in a list"
        )
    if votes[best.name] == 0:
        fields = ", ".join(sorted(records[0]))
        raise SourceError(
            f"{file}: no format fits its records, which have {fields}; name one with --format, "
            "or write {question, answer, context?} per line"
        )
    return best


def _format_of(record: JsonObject, formats: Sequence[Format]) -> Format | None:
    return next((one for one in formats if one.fits(record)), None)
