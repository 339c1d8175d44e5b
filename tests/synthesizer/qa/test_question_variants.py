"""Variants of tasks that come of questions, in real environments that pass the gates."""

from collections import Counter

import pytest

from astra_arena.core.answers import plain_text
from astra_arena.core.environment import Licence
from astra_arena.core.tasks import Task, gold_answers
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    QuestionOptions,
    synthesize_questions,
)
from astra_arena.synthesizer.qa.environments.question_variants import LONG
from astra_arena.synthesizer.qa.importing import ImportOptions, import_questions
from astra_arena.synthesizer.shipped_data import shipped_questions
from astra_arena.synthesizer.variants.variant_maker import VARIANTS
from tests.support.requirement import requirement


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("stories")
    options = ImportOptions(format="gsm8k", licence=Licence(name="MIT"))
    import_questions(shipped_questions("gsm8k"), folder / "stories.jsonl", options)
    shares = dict.fromkeys(VARIANTS, 0.2)
    made = synthesize_questions(
        folder / "stories.jsonl", folder / "out", QuestionOptions(tasks=12, variants=shares)
    )
    (bundle,) = made.bundles
    return bundle


def variants(bundle: Bundle, name: str) -> list[tuple[Task, Task]]:
    """Variants of a kind, each with its base task."""
    by_id = {task.id: task for task in bundle.tasks}
    return [
        (task, by_id[str(task.provenance["base"])]) for task in bundle.tasks if task.variant == name
    ]


@requirement("qa:variants")
def test_every_kind_of_variant_is_made_of_questions_and_passes_the_gates(stories: Bundle) -> None:
    counts = Counter(task.variant for task in stories.tasks)
    assert counts["base"] == 12
    assert set(counts) == {"base", *VARIANTS}


@requirement("qa:variants")
def test_what_is_left_out_is_asked_for_and_decides(stories: Bundle) -> None:
    for task, base in variants(stories, "missing_parameter"):
        (slot,) = task.slots
        assert str(slot.value) in base.prompt
        assert plain_text(str(slot.value)) not in plain_text(task.prompt)
        assert task.turns[0].expect.kind == "ask"
        proof = task.provenance["proof"]
        assert isinstance(proof, dict)
        outcomes = proof["outcomes"]
        assert isinstance(outcomes, list)
        assert len(outcomes) >= 2


@requirement("qa:variants")
def test_long_notes_hold_no_answer_and_the_question_stays(stories: Bundle) -> None:
    made = variants(stories, "long_context")
    assert made
    for task, base in made:
        assert len(task.prompt) > LONG + len(base.prompt)
        assert task.prompt.endswith(base.prompt)
        notes = task.prompt.removesuffix(base.prompt)
        for value in gold_answers(task).values():
            assert f" {value} " not in notes


@requirement("qa:variants")
def test_a_tool_that_is_missing_is_brought_by_the_second_turn(stories: Bundle) -> None:
    for task, base in variants(stories, "missing_function"):
        first, second = task.turns
        assert first.say == base.prompt
        assert first.expect.kind == "decline"
        assert second.tools_added
