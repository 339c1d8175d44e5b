"""Facts in three parts: triples of 2WikiMultihop and shorthand steps of MuSiQue become chains."""

import json
from copy import deepcopy
from pathlib import Path
from typing import cast

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    QuestionOptions,
    QuestionSynthesis,
    synthesize_questions,
)
from astra_arena.synthesizer.qa.importing import import_questions
from tests.support.requirement import requirement
from tests.synthesizer.qa.made_records import MUSIQUE, TWO_WIKI
from tests.synthesizer.qa.reading import write_lines

FILMS = {
    "The Tin Harbour": ("Jon Morrow", "Ilse Morrow", "Oxley"),
    "The Glass Pier": ("Pia Lund", "Sunniva Lund", "Varn"),
    "A Field of Clocks": ("Tomas Brandt", "Greta Brandt", "Larkmill"),
    "Night Ferry": ("Ada Quill", "Marion Quill", "Sennholm"),
    "Paper Orchard": ("Otto Reyes", "Lucia Reyes", "Brenn"),
    "The Salt Road": ("Hana Kubo", "Emi Kubo", "Tarnow"),
}
"""Invented films, with director, the director's mother, and where she was born."""


def films() -> list[JsonObject]:
    records: list[JsonObject] = []
    for number, (film, (director, mother, town)) in enumerate(FILMS.items()):
        evidences: list[Json] = [[film, "director", director], [director, "mother", mother]]
        asked = f"Who is the mother of the director of {film}?"
        answer = mother
        if number % 2:
            evidences.append([mother, "place of birth", town])
            asked = f"Where was the mother of the director of {film} born?"
            answer = town
        records.append(
            {
                **TWO_WIKI,
                "_id": f"w{number}",
                "question": asked,
                "answer": answer,
                "evidences": evidences,
            }
        )
    return records


def made(records: list[JsonObject], folder: Path, options: QuestionOptions) -> QuestionSynthesis:
    source = write_lines(folder / "records.jsonl", *records)
    out = folder / "instances.jsonl"
    import_questions(source, out)
    return synthesize_questions(out, folder / "out", options)


@requirement("qa:facts")
def test_chains_of_facts_pass_every_gate(tmp_path: Path) -> None:
    (bundle,) = made(films(), tmp_path, QuestionOptions(tasks=6)).bundles
    assert bundle.name == "encyclopaedia-facts"
    assert len(bundle.tasks) == 6
    assert {str(task.difficulty["hops"]) for task in bundle.tasks} == {"2", "3"}
    last = bundle.tasks[1].sub_questions[-1]
    assert last.arguments == {
        "subject": {"$from": "q2", "path": ""},
        "relation": "place of birth",
    }


@requirement("qa:facts")
def test_shorthand_steps_are_facts_and_questions_in_words_need_a_model(tmp_path: Path) -> None:
    records: list[JsonObject] = []
    for number, (film, (director, mother, _)) in enumerate(FILMS.items()):
        record = deepcopy(MUSIQUE)
        record |= {"id": f"m{number}", "question": f"Who bore the maker of {film}?"}
        record["answer"] = mother
        steps = cast("list[JsonObject]", record["question_decomposition"])
        steps[0] |= {"question": f"{film} >> director", "answer": director}
        steps[1] |= {"question": "#1 >> mother", "answer": mother}
        records.append(record)
    options = QuestionOptions(tasks=6, gates=("schema", "replay"))
    result = made([*records, MUSIQUE], tmp_path, options)
    (bundle,) = result.bundles
    assert len(bundle.tasks) == 6
    (reject,) = [json.loads(line) for line in result.rejects.read_text("utf-8").splitlines()]
    assert reject["reason"].startswith("needs --model: ")


@requirement("qa:facts")
def test_a_fact_that_has_two_objects_makes_no_task(tmp_path: Path) -> None:
    records = films()
    twin = deepcopy(records[0])
    twin |= {"_id": "twin", "question": "Who bore the other director?", "answer": "Emi Kubo"}
    twin["evidences"] = [
        ["The Tin Harbour", "director", "Hana Kubo"],
        ["Hana Kubo", "mother", "Emi Kubo"],
    ]
    result = made([*records, twin], tmp_path, QuestionOptions(tasks=6, gates=("replay",)))
    lines = [json.loads(line) for line in result.rejects.read_text("utf-8").splitlines()]
    told = "q1: 2 facts say what 'director' of 'The Tin Harbour' is"
    assert [line["reason"] for line in lines] == [told, told]
