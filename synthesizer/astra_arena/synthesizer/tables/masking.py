"""Replaces values by pseudonyms that keep what tools need: type, equality and references.

The same value becomes the same pseudonym in every column that is masked, so that references hold.
A pseudonym follows from the value and a key. Whoever has the key can check guesses: with a seed as
key, which bundles name, that is everybody.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TypeAlias

SqlValue: TypeAlias = str | int | float | None

_ROUNDS = 8
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Letters and digits that are not easily taken for each other."""
_SHORTEST = 8
_LAST_DAY = date.max.toordinal()
_MOST_SHIFTED = 3650
_MOST_DIGITS = 18


def seed_key(seed: int) -> bytes:
    """Return the key that follows from a seed."""
    return hashlib.sha256(f"mask:{seed}".encode()).digest()


class Pseudonyms:
    """Pseudonyms under one key.

    >>> names = Pseudonyms(b"key")
    >>> names.of(["Ann", "Bob"], "text")["Ann"].startswith("masked-")
    True
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(key).digest()
        self._shift = 1 + int.from_bytes(self._digest("shift", "")[:8], "big") % _MOST_SHIFTED

    def of(self, values: Iterable[SqlValue], logical_type: str) -> dict[SqlValue, SqlValue]:
        """Return the pseudonym of each value of one kind of column; different for different values.

        Values of `text`, `date` and `datetime` are texts, those of `integer` and `real` numbers.
        """
        known = set(values)
        texts = [value for value in known if isinstance(value, str)]
        numbers = [value for value in known if isinstance(value, int | float)]
        digits = max((_digits(value) for value in numbers), default=1)
        made: dict[SqlValue, SqlValue] = {n: self._number(n, digits) for n in numbers}
        if logical_type in ("date", "datetime"):
            made |= {text: self._moved(text) for text in texts}
        else:
            made |= self._texts(texts)
        return made

    def _texts(self, texts: list[str]) -> dict[str, str]:
        for length in range(_SHORTEST, 25, 4):
            made = {text: f"masked-{self._letters(text, length)}" for text in texts}
            if len(set(made.values())) == len(texts):
                return made
        raise AssertionError("120 bits of a keyed hash do not collide")

    def _letters(self, text: str, length: int) -> str:
        number = int.from_bytes(self._digest("text", text), "big")
        return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(length))

    def _moved(self, text: str) -> str:
        """Move a day, or a moment by whole days, into the past; the calendar is a circle."""
        day = date.fromisoformat(text[:10]).toordinal()
        return date.fromordinal((day - 1 - self._shift) % _LAST_DAY + 1).isoformat() + text[10:]

    def _number(self, value: float, digits: int) -> int | float:
        if isinstance(value, int):
            # Negative numbers stay negative: ~-1 is 0, and ~0 is -1.
            made = self._permuted(max(value, ~value), digits)
            return made if value >= 0 else ~made
        spelt = Decimal(repr(value))
        if not spelt.is_finite():
            return value
        sign, mantissa, exponent = spelt.as_tuple()
        assert isinstance(exponent, int)
        whole = int("".join(map(str, mantissa)))
        made = Decimal(self._permuted(whole, len(mantissa))).scaleb(exponent)
        return float(-made if sign else made)

    def _permuted(self, number: int, digits: int) -> int:
        """Return the number's place in a keyed permutation of the numbers of so many digits."""
        size = 10**digits if digits <= _MOST_DIGITS else 1 << 63
        half = ((size - 1).bit_length() + 1) // 2
        while True:
            left, right = number >> half, number & ((1 << half) - 1)
            for turn in range(_ROUNDS):
                mixed = self._digest(f"number:{digits}:{turn}", str(right))
                left, right = right, left ^ int.from_bytes(mixed, "big") & ((1 << half) - 1)
            number = left << half | right
            if number < size:
                return number

    def _digest(self, use: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{use}\0{text}".encode(), "sha256")


def _digits(value: float) -> int:
    return len(str(max(value, ~value))) if isinstance(value, int) else 1
