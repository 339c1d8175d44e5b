"""The data sets that ship with the package, each with its licence, provenance and words."""

from pathlib import Path

from astra_arena.core.errors import SettingsError

_FOLDER = Path(__file__).parent / "data"
_QUESTIONS = _FOLDER / "qa"
_APIS = _FOLDER / "apis"
DESCRIPTIONS = "descriptions.json"
"""The file in each data set with words for its tables and columns."""


def shipped_names() -> tuple[str, ...]:
    """Return the names of the data sets, sorted."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/PROVENANCE.md")))


def shipped_data(name: str) -> Path:
    """Return the folder of a data set: a source for `arena synth table`.

    Raises:
        SettingsError: if no data set of that name ships; the message names those that do.
    """
    if name not in shipped_names():
        raise SettingsError(
            f"no data set {name!r} ships with the package; there is {', '.join(shipped_names())}"
        )
    return _FOLDER / name


def shipped_descriptions(name: str) -> Path:
    """Return the file with words for a data set.

    Raises:
        SettingsError: if no data set of that name ships; the message names those that do.
    """
    return shipped_data(name) / DESCRIPTIONS


def shipped_question_names() -> tuple[str, ...]:
    """Return the names of the data sets of questions, sorted."""
    return tuple(sorted(path.parent.name for path in _QUESTIONS.glob("*/PROVENANCE.md")))


def shipped_questions(name: str) -> Path:
    """Return the file of a data set of questions: a source for `arena import qa`.

    Raises:
        SettingsError: if no data set of that name ships; the message names those that do.
    """
    if name not in shipped_question_names():
        raise SettingsError(
            f"no questions {name!r} ship with the package; there is "
            f"{', '.join(shipped_question_names())}"
        )
    return next(iter(sorted((_QUESTIONS / name).glob("*.gz"))))


def shipped_api_names() -> tuple[str, ...]:
    """Return the names of the documents of APIs, sorted."""
    return tuple(sorted(path.parent.name for path in _APIS.glob("*/PROVENANCE.md")))


def shipped_api(name: str) -> Path:
    """Return a document of an API: a source for `arena synth api`.

    Raises:
        SettingsError: if no document of that name ships; the message names those that do.
    """
    if name not in shipped_api_names():
        raise SettingsError(
            f"no document {name!r} ships with the package; there is "
            f"{', '.join(shipped_api_names())}"
        )
    return next(iter(sorted((_APIS / name).glob("*.yaml"))))
