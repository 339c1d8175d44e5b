"""Which language a text is in, of those that questions may be asked in."""

import re
from typing import Literal

from astra_arena.core.tasks import Task

Language = Literal["en", "zh"]

_HAN = re.compile(r"[\u3400-\u9fff]")


def language_of(text: str) -> Language:
    """Return Chinese for a text with Chinese signs in it, and English for any other.

    >>> language_of("《Macbeth》首演于哪一年？"), language_of("When was Macbeth first performed?")
    ('zh', 'en')
    """
    return "zh" if _HAN.search(text) else "en"


def language_of_task(task: Task) -> Language:
    """Return the language that a task's maker noted; English where none was."""
    return "zh" if task.provenance.get("language") == "zh" else "en"
