"""Named random streams: the same seed and names give the same numbers, in any process and order.

A stream is keyed by what it is for, never by when it is asked for, so that adding a consumer or
changing the order of concurrent work moves no other stream.
"""

import random

from astra_arena.core.canonical import Json, canonical_bytes, digest_of_bytes


def stream_key(seed: int, *names: Json) -> int:
    """Return the 256-bit integer that keys the stream `names` under `seed`."""
    digest = digest_of_bytes(canonical_bytes([seed, *names]))
    return int(digest.partition(":")[2], 16)


def random_stream(seed: int, *names: Json) -> random.Random:
    """Return a generator for the stream `names` under `seed`.

    >>> random_stream(7, "tasks", 3).random() == random_stream(7, "tasks", 3).random()
    True
    """
    return random.Random(stream_key(seed, *names))
