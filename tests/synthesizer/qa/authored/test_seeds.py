"""What a user gives: pairs, seeds of one's own and of ASTRA, and lines that cannot be read."""

import json
from pathlib import Path

from astra_arena.client.authors.model_options import ModelOptions
from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Licence
from astra_arena.synthesizer.qa.authored.authoring import author_questions
from astra_arena.synthesizer.qa.authored.authoring_options import AuthoringOptions
from astra_arena.synthesizer.qa.authored.seeds import QuestionSeed, Unreadable, read_inputs
from astra_arena.synthesizer.qa.instance import QAInstance
from tests.support.requirement import requirement
from tests.synthesizer.qa.authored.stage_runs import (
    PAIR,
    good_replies,
    said,
    stage_lines,
    write_lines,
)

MIT = Licence(name="MIT", source="https://example.org")


def seeds(path: Path) -> list[QuestionSeed]:
    return [one for one in read_inputs(path, MIT) if isinstance(one, QuestionSeed)]


@requirement("stages:seeds")
def test_seeds_of_astra_are_read_as_they_are(tmp_path: Path) -> None:
    lines: list[JsonObject] = [
        {"domain": "Search Engine", "knowledge_corpus": ""},
        {"domain": "weather", "knowledge_corpus": "I am hosting a rooftop gathering in Oslo."},
        {"question": "Which flight to Porto is the cheapest?", "domain": "flights"},
        {"domain": "\u7535\u5b50\u5546\u52a1", "knowledge_corpus": ""},
    ]
    read = seeds(write_lines(tmp_path / "seeds.jsonl", lines))
    assert [one.domain for one in read[:3]] == ["Search Engine", "weather", "flights"]
    # What somebody has in mind is no fact: no answer has to stand there.
    assert read[1].scenario.startswith("I am hosting")
    assert not read[1].context
    assert read[2].question.startswith("Which flight")
    assert [one.language for one in read] == ["en", "en", "en", "zh"]
    assert all(one.source.licence == MIT for one in read)


@requirement("stages:seeds")
def test_each_leaf_of_a_taxonomy_is_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.json"
    leaf = {"description": "Ask for the weather", "examples": [{"query": "Rain in Oslo?"}, "Wind?"]}
    path.write_text(json.dumps({"weather": {"now": leaf, "later": {"week": leaf}}}, indent=1))
    read = seeds(path)
    assert [one.topic for one in read] == [("weather", "now"), ("weather", "later", "week")]
    assert len({one.id for one in read}) == 2
    assert "Rain in Oslo?" in read[0].scenario
    assert "Wind?" in read[0].scenario


@requirement("stages:isolated")
def test_an_id_that_stands_twice_rejects_the_second_line_alone(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", [PAIR, PAIR, {**PAIR, "id": "other"}])
    first, second, third = read_inputs(path)
    assert isinstance(first, QAInstance)
    assert isinstance(third, QAInstance)
    assert isinstance(second, Unreadable)
    assert "the id 'plain-macbeth' stands in an earlier line" in second.reason


@requirement("stages:isolated")
def test_a_run_goes_on_past_lines_that_cannot_be_read(tmp_path: Path) -> None:
    lines = [json.dumps(PAIR), json.dumps(PAIR), "{broken", json.dumps({"id": "x", "size": 3})]
    (tmp_path / "pairs.jsonl").write_text("".join(f"{line}\n" for line in lines))
    options = AuthoringOptions(licence=MIT)
    replies = [line.to_json() for line in good_replies()]
    model = ModelOptions(transcripts=(write_lines(tmp_path / "replies.jsonl", replies),))
    source = tmp_path / "pairs.jsonl"
    author_questions(source, tmp_path / "out", model, options, only="decompose")
    told = stage_lines(tmp_path / "out", "decompose")
    assert [line.outcome for line in told] == ["passed", "rejected", "rejected", "rejected"]
    assert {line.reason for line in told[1:]} == {"the line cannot be read"}
    assert told[0].result is not None
    source = told[0].result["source"]
    assert isinstance(source, dict)
    assert source["licence"] == MIT.to_json()


def test_a_chinese_pair_is_chinese_without_a_word(tmp_path: Path) -> None:
    lines: list[JsonObject] = [
        {"question": "《麦克白》首演于哪一年？", "answer": 1606},
        {"question": "When was 《麦克白》 first performed?", "answer": 1606, "language": "en"},
    ]
    read = list(read_inputs(write_lines(tmp_path / "pairs.jsonl", lines)))
    assert [one.language for one in read if isinstance(one, QAInstance)] == ["zh", "en"]


@requirement("stages:questions")
def test_an_answer_in_words_is_the_number_that_it_begins_with(tmp_path: Path) -> None:
    for number, (answer, outcome) in enumerate(
        [
            ("1,865 AD", "passed"),
            ("1865", "passed"),
            ("1866", "rejected"),
            ("year 1865", "rejected"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        pair = {**PAIR, "question": "When did it come out?", "answer": answer}
        steps: JsonObject = {
            "id": "q1",
            "question": "When did Alice come out?",
            "depends_on": [],
            "answer": 1865,
            "fact": 1,
            "quote": None,
        }
        reply = said("decompose", {"steps": [steps], "finals": ["q1"]}, "steps", repeats=True)
        model = ModelOptions(
            transcripts=(write_lines(folder / "replies.jsonl", [reply.to_json()]),)
        )
        source = write_lines(folder / "pairs.jsonl", [pair])
        author_questions(source, folder / "out", model, AuthoringOptions(), only="decompose")
        (line,) = stage_lines(folder / "out", "decompose")
        assert line.outcome == outcome, answer
        if line.result is not None:
            stated = line.result["answer"]
            assert isinstance(stated, dict)
            assert (stated["kind"], stated["value"]) == ("number", 1865)
