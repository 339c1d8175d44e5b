"""Which language a text is in, of those that questions may be asked in."""

import re
from typing import Literal

Language = Literal["en", "zh"]

_HAN = re.compile(r"[\u3400-\u9fff]")


def language_of(text: str) -> Language:
    """Return Chinese for a text with Chinese signs in it, and English for any other.

    >>> language_of("《Macbeth》首演于哪一年？"), language_of("When was Macbeth first performed?")
    ('zh', 'en')
    """
    return "zh" if _HAN.search(text) else "en"
