import pytest

from astra_arena.core.answers import answers_match
from astra_arena.core.canonical import Json
from astra_arena.core.tasks import AnswerKind


@pytest.mark.parametrize(
    ("kind", "gold", "came", "tolerance", "same"),
    [
        ("exact", {"a": 1}, {"a": 1.0}, 0, True),
        ("exact", "Dune", "dune", 0, False),
        ("number", 3, 3.0, 0, True),
        ("number", 3, 3.4, 0.5, True),
        ("number", 3, 3.6, 0.5, False),
        ("number", 1, True, 0, False),
        ("number", 3, "3", 0, False),
        ("text", "\uff24une  Messiah", "dune messiah", 0, True),
        ("text", "Dune", "Dune Messiah", 0, False),
        ("text", "Dune", 5, 0, False),
        ("date", "2013-01-01", "2013-01-01T00:00:00Z", 0, True),
        ("date", "2013-01-01T00:00:30", "2013-01-01", 60, True),
        ("date", "2013-01-01", "2013-01-02", 0, False),
        ("date", "2013-01-01", "soon", 0, False),
        ("date", "2013-01-01", 20130101, 0, False),
        ("set", ["a", "b"], ["b", "a", "a"], 0, True),
        ("set", ["a", "b"], ["a"], 0, False),
        ("set", ["a"], "a", 0, False),
        ("list", ["a", "b"], ["a", "b"], 0, True),
        ("list", ["a", "b"], ["b", "a"], 0, False),
    ],
)
def test_answers_are_compared_by_their_type(
    kind: AnswerKind, gold: Json, came: Json, tolerance: float, *, same: bool
) -> None:
    assert answers_match(kind, gold, came, tolerance=tolerance) is same
