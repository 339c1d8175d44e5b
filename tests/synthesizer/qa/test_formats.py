"""Every format is read into the same form, programs are held to their answers, dirt is named."""

import gzip
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import cast

import pytest

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SettingsError, SourceError, SpecError
from astra_arena.synthesizer.qa.decomposition import (
    CellSource,
    EvidenceSource,
    ParagraphSource,
    SpanSource,
)
from astra_arena.synthesizer.qa.formats.finqa import ConvFinQaFormat, FinQaFormat
from astra_arena.synthesizer.qa.formats.format import BadRecord
from astra_arena.synthesizer.qa.formats.gsm8k import Gsm8kFormat
from astra_arena.synthesizer.qa.formats.passages import (
    HotpotQaFormat,
    MuSiQueFormat,
    TwoWikiFormat,
)
from astra_arena.synthesizer.qa.formats.plain import PlainFormat
from astra_arena.synthesizer.qa.formats.registry import all_formats, chosen_format, format_names
from astra_arena.synthesizer.qa.formats.strategyqa import StrategyQaFormat
from astra_arena.synthesizer.qa.formats.tatqa import TatQaFormat
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.programs import evaluate_program
from astra_arena.synthesizer.shipped_data import shipped_questions
from tests.support.requirement import requirement
from tests.synthesizer.qa.made_records import (
    CONVFINQA,
    FINQA,
    FINQA_COMPARED,
    FINQA_ROW,
    HOTPOT,
    MUSIQUE,
    TWO_WIKI,
)
from tests.synthesizer.qa.reading import read_all, read_one

DUCKS: JsonObject = {
    "question": "Ducks lay 16 eggs. She eats three, bakes with four and sells the rest at $2. "
    "How much does she make?",
    "answer": "16 - 3 - 4 = <<16-3-4=9>>9.\n9 * 2 = $<<9*2=18>>18.\n#### 18",
}
PLAIN: JsonObject = {"question": "What is the capital of Varn?", "answer": "Senn"}


def table_of(*questions: JsonObject) -> JsonObject:
    return {
        "table": {
            "uid": "t1",
            "table": [
                ["", "2019 \u20acm", "2018 \u20acm"],
                ["Defined contribution schemes", "166", "178"],
                ["Tax", "(57)", "(44)"],
                ["Rate", "2.7%", "2.1%"],
            ],
        },
        "paragraphs": [{"uid": "p1", "order": 1, "text": "Schemes exist in Ghana and Ireland."}],
        "questions": [{"uid": f"u{n}", **one} for n, one in enumerate(questions)],
    }


def arithmetic(derivation: str, answer: float, scale: str = "") -> JsonObject:
    return {
        "question": "What is the figure of schemes in 2019?",
        "answer_type": "arithmetic",
        "answer_from": "table",
        "derivation": derivation,
        "answer": answer,
        "scale": scale,
    }


def tatqa(question: JsonObject) -> QAInstance:
    (one,) = read_all(TatQaFormat(), table_of(question))
    assert isinstance(one, QAInstance), one
    return one


def reason_of(question: JsonObject) -> str:
    (one,) = read_all(TatQaFormat(), table_of(question))
    assert isinstance(one, BadRecord)
    return one.reason


def shipped_records(name: str) -> Iterator[JsonObject]:
    text = gzip.decompress(shipped_questions(name).read_bytes()).decode("utf-8")
    data = json.loads(text) if text.startswith("[") else [json.loads(x) for x in text.splitlines()]
    yield from cast("list[JsonObject]", data)


@requirement("qa:formats")
def test_gsm8k_calculations_become_look_ups_and_steps() -> None:
    one = read_one(Gsm8kFormat(), DUCKS)
    assert one.decomposition is not None
    steps = {node.id: node.step for node in one.decomposition.nodes}
    assert [name for name, step in steps.items() if step is None] == ["q1", "q2", "q4", "q6"]
    shown = [
        one.question[node.source.start : node.source.end]
        for node in one.decomposition.nodes
        if isinstance(node.source, SpanSource)
    ]
    assert shown == ["16", "three", "four", "2"]
    assert evaluate_program(one.decomposition)["q7"] == 18


@requirement("qa:programs")
def test_gsm8k_records_that_do_not_come_out_are_refused_with_the_reason() -> None:
    def refused(answer: str) -> str:
        with pytest.raises(SpecError) as caught:
            read_all(Gsm8kFormat(), {**DUCKS, "answer": answer})
        return caught.value.message

    assert "16-3=12 is wrong: it is 13" in refused("<<16-3=12>>\n#### 12")
    assert "the last calculation gives 13, but the answer is 9" in refused("<<16-3=13>>\n#### 9")
    assert "expected calculations" in refused("It is 9.\n#### 9")
    assert "q3 does not lead to the final answer" in refused("<<16-3=13>> <<4*2=8>>\n#### 8")
    assert "expected the answer behind '####'" in refused("<<16-3=13>>")


@requirement("qa:programs")
def test_most_shipped_word_problems_come_out_and_all_answers_agree() -> None:
    read = 0
    for record in shipped_records("gsm8k"):
        try:
            (one,) = read_all(Gsm8kFormat(), record)
        except SpecError:
            continue
        assert isinstance(one, QAInstance)
        assert one.decomposition is not None
        values = evaluate_program(one.decomposition)
        assert values[one.decomposition.final_ids[0]] == one.answer.value
        read += 1
    assert read == 70


@requirement("qa:formats")
def test_tatqa_derivations_become_cells_and_steps() -> None:
    one = read_one(TatQaFormat(), table_of(arithmetic("(166+178)/2", 172, "million")))
    assert one.decomposition is not None
    places = [node.source for node in one.decomposition.nodes if node.source is not None]
    assert places == [
        CellSource(kind="cell", row=1, column=1),
        CellSource(kind="cell", row=1, column=2),
    ]
    assert one.answer.unit == "million"
    assert one.decomposition.nodes[-1].question == "What is {q3} divided by 2?"


@requirement("qa:programs")
@pytest.mark.parametrize(
    ("derivation", "answer", "scale"),
    [
        ("(166-178)/178", -6.74, "percent"),
        ("(2.7%+2.1%)/2", 2.4, "percent"),
        ("2.7-2.1", 0.6, "percent"),
        ("166 + (57)", 109, ""),
        ("-(57+44)/2", -50.5, ""),
    ],
)
def test_tatqa_percentages_and_brackets_are_read_as_the_answer_shows(
    derivation: str, answer: float, scale: str
) -> None:
    one = tatqa(arithmetic(derivation, answer, scale))
    assert one.decomposition is not None
    came = evaluate_program(one.decomposition)[one.decomposition.final_ids[0]]
    assert float(came) == pytest.approx(answer, abs=0.01)


@requirement("qa:programs")
def test_tatqa_derivations_that_do_not_come_out_are_refused_alone() -> None:
    good, bad = arithmetic("166-57", 109), arithmetic("166-57", 110)
    kinds = [type(one) for one in read_all(TatQaFormat(), table_of(good, bad, good))]
    assert kinds == [QAInstance, BadRecord, QAInstance]
    assert "the derivation '166-57' gives 109, but the answer is 110" in reason_of(bad)
    # A share is 100 times as large in percent; that it looks like a difference does not help it.
    assert "gives 93.2584" in reason_of(arithmetic("166/178", 0.93, "percent"))
    assert "expected arithmetic" in reason_of(arithmetic("60 million + 3 thousand", 60003))


@requirement("qa:formats")
def test_tatqa_spans_and_counts_are_found_where_they_stand() -> None:
    span: JsonObject = {
        "question": "Where do schemes exist besides Ghana?",
        "answer_type": "span",
        "answer_from": "text",
        "answer": ["Ireland"],
        "scale": "",
    }
    one = tatqa(span)
    assert one.decomposition is not None
    assert one.decomposition.nodes[0].source == SpanSource(kind="span", text="1", start=27, end=34)
    several = tatqa({**span, "answer_type": "multi-span", "answer": ["Ghana", "Ireland", ""]})
    assert several.answer.value == ["Ghana", "Ireland"]
    assert several.decomposition is not None
    assert len(several.decomposition.final_ids) == 2
    lost = tatqa({**span, "answer": ["Iceland"]})
    assert lost.decomposition is None
    assert "is to be read out of the text" in lost.missing
    count: JsonObject = {**span, "answer_type": "count", "derivation": "Ghana##Ireland"}
    counted = tatqa({**count, "answer": "2"})
    assert counted.decomposition is not None
    assert counted.answer.value == 2
    assert "the derivation lists 2, but the answer is 3" in reason_of({**count, "answer": "3"})


@requirement("qa:programs")
def test_all_shipped_derivations_give_their_answers() -> None:
    kinds: dict[str, int] = {}
    for record in shipped_records("tatqa"):
        for one in read_all(TatQaFormat(), record):
            assert isinstance(one, QAInstance)
            kind = "missing" if one.decomposition is None else one.answer.kind
            kinds[kind] = kinds.get(kind, 0) + 1
            if one.answer.kind == "number" and one.decomposition is not None:
                (final,) = one.decomposition.final_ids
                came = float(evaluate_program(one.decomposition)[final])
                assert came == pytest.approx(float(str(one.answer.value)), abs=0.01)
    assert kinds == {"number": 64, "text": 23, "set": 5, "list": 8, "missing": 8}


@requirement("qa:formats")
def test_finqa_programs_become_cells_and_steps() -> None:
    one = read_one(FinQaFormat(), FINQA)
    assert one.decomposition is not None
    assert [node.step.operator for node in one.decomposition.nodes if node.step] == [
        "subtract",
        "divide",
    ]
    row = read_one(FinQaFormat(), FINQA_ROW)
    assert row.decomposition is not None
    assert len(row.decomposition.nodes) == 4
    assert row.answer.value == 310
    assert read_one(FinQaFormat(), FINQA_COMPARED).answer.value is True


@requirement("qa:formats")
def test_convfinqa_turns_are_instances_that_know_what_was_said_before() -> None:
    turns = read_all(ConvFinQaFormat(), CONVFINQA)
    read = [one for one in turns if isinstance(one, QAInstance)]
    assert len(read) == len(turns) == 4
    assert [one.context.count("?") for one in read] == [0, 1, 2, 3]
    assert "5829" not in read[-1].context
    assert len({one.group for one in read}) == 1
    last = read[-1].decomposition
    assert last is not None
    assert [node.step.operator for node in last.nodes if node.step] == ["subtract", "divide"]


@requirement("qa:programs")
@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("subtract(5829, 5736)", "the program gives 93, but the answer is 0.01639"),
        ("subtract(5829, #0)", "#0 refers to no earlier step; there are 0"),
        ("root(5829, 2)", "expected one of add, subtract"),
        ("subtract(5829)", "got subtract of 1"),
        ("table_max(profit, none)", "the table has no row 'profit' with figures"),
        ("divide(5829, const_0)", "expected a divisor other than 0"),
        ("subtract(5829, 5735", "expected operations like"),
        ("subtract(5829, revenue)", "expected a number, a constant or a step like #0"),
        ("x = open(5829)", "expected arithmetic on numbers and names"),
        ("import os\nx = 1", "expected assignments alone"),
        ("x = 5829 - y", "expected arithmetic on numbers and names"),
    ],
)
def test_programs_that_do_not_come_out_are_refused(program: str, reason: str) -> None:
    record = deepcopy(FINQA)
    cast("JsonObject", record["qa"])["program"] = program
    with pytest.raises(SpecError) as caught:
        read_all(FinQaFormat(), record)
    assert reason in caught.value.message


@requirement("qa:formats")
def test_musique_steps_keep_their_paragraphs_and_answers() -> None:
    one = read_one(MuSiQueFormat(), MUSIQUE)
    assert one.decomposition is not None
    first, second = one.decomposition.nodes
    assert second.question == "In which town was {q1} born?"
    assert second.depends_on == ("q1",)
    assert first.source == ParagraphSource(kind="paragraph", paragraph="0")
    assert [paragraph.supports for paragraph in one.paragraphs] == [True, True, False]


def musique_with(**second: Json) -> JsonObject:
    record = deepcopy(MUSIQUE)
    steps = cast("list[JsonObject]", record["question_decomposition"])
    steps[1] = {**steps[1], **second}
    return record


@requirement("qa:dirty")
@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"question": "Where was #3 born?"}, "step 2 refers to #3; expected #1 to #1"),
        ({"question": "Where was #2 born?"}, "step 2 refers to #2"),
        ({"question": "Where was she born?"}, "q1 does not lead to the final answer, q2"),
        ({"answer": "Senn"}, "the steps end in 'Senn', but the answer is 'Oxley'"),
        ({"answer": ""}, "expected a text in 'answer', got ''"),
        ({"paragraph_support_idx": 9}, "there is no such paragraph"),
    ],
)
def test_dirty_steps_are_refused_with_the_reason(second: JsonObject, reason: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_all(MuSiQueFormat(), musique_with(**second))
    assert reason in caught.value.message


@requirement("qa:dirty")
def test_an_answer_that_is_a_reference_is_that_answer() -> None:
    record = musique_with(question="What is #1 known as?", answer="#1 of Oxley")
    record["answer"] = "Ada Quill of Oxley"
    one = read_one(MuSiQueFormat(), record)
    assert one.decomposition is not None
    answer = one.decomposition.nodes[1].answer
    assert answer is not None
    assert answer.value == "Ada Quill of Oxley"


@requirement("qa:formats")
def test_2wiki_triples_are_chained_where_one_ends_in_the_next() -> None:
    one = read_one(TwoWikiFormat(), TWO_WIKI)
    assert one.decomposition is not None
    assert one.decomposition.nodes[1].question == "What is the mother of {q1}?"
    assert one.decomposition.nodes[1].source == EvidenceSource(kind="evidence", index=1)
    compared = read_one(TwoWikiFormat(), {**TWO_WIKI, "type": "comparison", "answer": "yes"})
    assert compared.decomposition is None
    assert compared.missing
    with pytest.raises(SpecError, match="the evidence ends in 'Ilse Morrow', not in 'Otto'"):
        read_all(TwoWikiFormat(), {**TWO_WIKI, "answer": "Otto"})


@requirement("qa:formats")
def test_hotpot_has_paragraphs_and_lacks_a_decomposition() -> None:
    one = read_one(HotpotQaFormat(), HOTPOT)
    assert one.paragraphs[1].text == "The Senn runs through Varn."
    assert all(paragraph.supports for paragraph in one.paragraphs)
    assert one.decomposition is None
    parallel = {
        **HOTPOT,
        "context": {"title": ["Pia Lund"], "sentences": [["She was born in Varn."]]},
        "supporting_facts": {"title": ["Pia Lund"], "sent_id": [0]},
    }
    assert read_one(HotpotQaFormat(), cast("JsonObject", parallel)).paragraphs[0].supports


@requirement("qa:formats")
def test_strategyqa_gives_structure_and_never_a_mere_yes_as_gold() -> None:
    for record in shipped_records("strategyqa"):
        one = read_one(StrategyQaFormat(), record)
        assert one.decomposition is not None
        assert not one.decomposition.is_answered
        assert "answers of the sub-questions" in one.missing
        assert one.knowledge


@requirement("qa:formats")
def test_plain_pairs_may_bring_steps_of_their_own() -> None:
    bare = read_one(PlainFormat(), PLAIN)
    assert bare.missing == "a decomposition"
    steps: list[Json] = [
        {"id": 1, "question": "What is Varn?", "answer": "a land"},
        {"id": 2, "question": "What is the capital of #1?", "answer": "Senn", "depends_on": [1]},
    ]
    whole = read_one(
        PlainFormat(), {**PLAIN, "decomposition": steps, "hops": [1, 3], "language": "zh"}
    )
    assert whole.missing == ""
    assert whole.language == "zh"
    with pytest.raises(SpecError, match="there is no field 'anwser'"):
        read_all(PlainFormat(), {**PLAIN, "anwser": "x"})
    with pytest.raises(SpecError, match="expected 3 to 5 hops, got 2"):
        read_all(PlainFormat(), {**PLAIN, "decomposition": steps, "hops": [3, 5]})


@requirement("qa:formats")
def test_every_format_is_told_by_its_records() -> None:
    records = {
        "musique": MUSIQUE,
        "2wiki": TWO_WIKI,
        "hotpot": HOTPOT,
        "finqa": FINQA,
        "convfinqa": CONVFINQA,
        "gsm8k": DUCKS,
        "plain": PLAIN,
        "tatqa": table_of(),
        "strategyqa": next(shipped_records("strategyqa")),
    }
    assert {one.name for one in all_formats()} == set(records) == set(format_names()) - {"auto"}
    for name, record in records.items():
        assert chosen_format("auto", [record], file="x.json").name == name
    with pytest.raises(SourceError, match="no format fits its records, which have a, b"):
        chosen_format("auto", [{"b": 1, "a": 2}], file="x.json")
    with pytest.raises(SettingsError, match="there is no format 'squad'; the formats are auto, "):
        chosen_format("squad", [], file="x.json")
