"""Texts that match a regular expression: short ones, and the same for equal streams."""

import random
import string
from itertools import chain
from typing import Any, cast

from rstr import Rstr

MOST_REPEATS = 6
"""Repetitions beyond the fewest; nested ones would multiply."""


class PatternTexts(Rstr):
    """Makes texts of patterns.

    The library's own choice among all characters but some follows the order of a set, which
    differs from process to process, and it repeats up to a hundred times.

    Args:
        stream: Decides them.
    """

    def __init__(self, stream: random.Random) -> None:
        super().__init__(stream)
        self._stream = stream

    def text(self, pattern: str) -> str:
        """Return a text that matches.

        Raises:
            ValueError: if the pattern says what cannot be made up.
        """
        try:
            return str(self.xeger(pattern))
        except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise ValueError(f"{pattern!r} cannot be made up: {error}") from None

    def _handle_in(self, value: Any) -> Any:  # noqa: ANN401
        listed = cast("list[Any]", list(chain(*(self._handle_state(one) for one in value))))  # pyright: ignore[reportUnknownArgumentType]
        if listed[0] is False:
            left = sorted(set(string.ascii_letters + string.digits) - set(listed[1:]))
            listed = left or sorted(set(string.printable) - set(listed[1:]))
        return self._stream.choice(listed)

    def _handle_repeat(self, start_range: int, end_range: int, value: Any) -> str:  # noqa: ANN401
        most = min(int(end_range), int(start_range) + MOST_REPEATS)
        times = self._stream.randint(int(start_range), most)
        return "".join(str(self._handle_state(one)) for _ in range(times) for one in value)
