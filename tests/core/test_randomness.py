import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from astra_arena.core.randomness import random_stream, stream_key
from tests.support.requirement import requirement

CODE = """
from astra_arena.core.randomness import random_stream
print([random_stream(7, "tasks", 3).random(), random_stream(7, "tasks", 4).random()])
"""


@requirement("core:randomness:keyed")
def test_streams_are_the_same_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, check=True, text=True
        ).stdout
        for _ in range(2)
    }
    here = [random_stream(7, "tasks", 3).random(), random_stream(7, "tasks", 4).random()]
    assert outputs == {f"{here}\n"}


@given(st.integers(), st.integers(), st.text(), st.text())
def test_other_seeds_and_names_give_other_streams(a: int, b: int, x: str, y: str) -> None:
    assert (stream_key(a, x) == stream_key(b, y)) == (a == b and x == y)
