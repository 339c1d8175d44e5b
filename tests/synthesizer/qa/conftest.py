"""Environments from the shipped extracts; sessions share them."""

from pathlib import Path

import pytest

from astra_arena.core.environment import Licence
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    QuestionOptions,
    QuestionSynthesis,
    synthesize_questions,
)
from astra_arena.synthesizer.qa.importing import ImportOptions, import_questions
from astra_arena.synthesizer.shipped_data import shipped_questions

OPTIONS = QuestionOptions(tasks=8, seed=3)


def imported(name: str, folder: Path) -> Path:
    out = folder / f"{name}.jsonl"
    options = ImportOptions(licence=Licence(name="MIT", source=f"the {name} extract"))
    import_questions(shipped_questions(name), out, options)
    return out


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> QuestionSynthesis:
    """TAT-QA, all gates passed."""
    folder = tmp_path_factory.mktemp("reports")
    return synthesize_questions(imported("tatqa", folder), folder / "out", OPTIONS)


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory) -> QuestionSynthesis:
    """GSM8K, all gates passed."""
    folder = tmp_path_factory.mktemp("stories")
    return synthesize_questions(imported("gsm8k", folder), folder / "out", OPTIONS)
