"""`arena import qa` loses nothing, gives equal bytes, and goes on where it was cut off."""

import gzip
import json
from pathlib import Path

import pytest

from astra_arena.core.cli import run
from astra_arena.core.environment import Licence
from astra_arena.core.errors import SourceError
from astra_arena.synthesizer.qa.importing import (
    KEPT_EVERY,
    ImportOptions,
    import_questions,
    read_instances,
    rejects_of,
)
from astra_arena.synthesizer.shipped_data import shipped_question_names, shipped_questions
from tests.support.requirement import requirement
from tests.synthesizer.qa.made_records import FINQA, MUSIQUE
from tests.synthesizer.qa.reading import write_lines

PAIR = {"question": "What is the capital of Varn?", "answer": "Senn"}


@requirement("qa:import")
def test_bad_records_are_set_aside_with_the_reason_and_nothing_is_lost(tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "pairs.jsonl",
        PAIR,
        '{"question"',
        {**PAIR, "answer": ""},
        [1, 2],
        {**PAIR, "question": "And of Oxland?"},
        "",
        {"answer": "Senn"},
    )
    out = tmp_path / "out.jsonl"
    report = import_questions(source, out)
    assert (report.records, report.instances, report.rejected) == (6, 2, 4)
    rejects = [json.loads(line) for line in rejects_of(out).read_text("utf-8").splitlines()]
    assert [(one["where"], one["reason"][:30]) for one in rejects] == [
        ("pairs.jsonl line 2", "expected JSON: Expecting ':' d"),
        ("pairs.jsonl line 3", "expected an answer with a cont"),
        ("pairs.jsonl line 4", "expected an object, got list"),
        ("pairs.jsonl line 7", "expected a text in 'question',"),
    ]
    assert [one["record"] for one in rejects] == [
        '{"question"',
        {**PAIR, "answer": ""},
        "[1, 2]",
        {"answer": "Senn"},
    ]
    ids = [one.id for one in read_instances(out)]
    assert ids == ["plain-00001", "plain-00005"]


@requirement("qa:import")
def test_a_bad_question_of_a_record_takes_none_of_the_others_with_it(tmp_path: Path) -> None:
    whole = json.loads(gzip.decompress(shipped_questions("tatqa").read_bytes()))
    whole[0]["questions"][0]["answer_type"] = "guess"
    source = tmp_path / "tatqa.json"
    source.write_text(json.dumps(whole[:2]), encoding="utf-8")
    out = tmp_path / "out.jsonl"
    asked = sum(len(one["questions"]) for one in whole[:2])
    report = import_questions(source, out)
    assert (report.instances, report.rejected) == (asked - 1, 1)
    (reject,) = [json.loads(line) for line in rejects_of(out).read_text("utf-8").splitlines()]
    assert reject["key"] == whole[0]["questions"][0]["uid"]


@requirement("qa:import")
@pytest.mark.parametrize("name", ["gsm8k", "strategyqa", "tatqa"])
def test_equal_files_give_equal_bytes_and_name_their_source(name: str, tmp_path: Path) -> None:
    options = ImportOptions(licence=Licence(name="MIT", source="a repository"))
    outs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for out in outs:
        import_questions(shipped_questions(name), out, options)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert rejects_of(outs[0]).read_bytes() == rejects_of(outs[1]).read_bytes()
    for one in read_instances(outs[0]):
        assert one.source.format == name
        assert one.source.file == shipped_questions(name).name
        assert one.source.licence == options.licence
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("a.jsonl", "a.jsonl.rejects.jsonl", "b.jsonl", "b.jsonl.rejects.jsonl"),
    ]


@requirement("qa:import")
def test_a_run_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    pairs = [{**PAIR, "answer": "" if n % 7 == 0 else f"Senn {n}"} for n in range(3 * KEPT_EVERY)]
    source = write_lines(tmp_path / "pairs.jsonl", *pairs)
    out, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    expected = import_questions(source, whole)
    done: list[int] = []

    def stop(count: int) -> None:
        done.append(count)
        if count == 2 * KEPT_EVERY + 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_questions(source, out, progress=stop)
    assert not out.exists()
    done.clear()
    report = import_questions(source, out, progress=done.append)
    assert done[0] == 2 * KEPT_EVERY + 1
    assert out.read_bytes() == whole.read_bytes()
    assert rejects_of(out).read_bytes() == rejects_of(whole).read_bytes()
    assert (report.records, report.instances, report.rejected, report.topologies) == (
        expected.records,
        expected.instances,
        expected.rejected,
        expected.topologies,
    )


@requirement("qa:import")
def test_another_source_begins_anew(tmp_path: Path) -> None:
    pairs = [{**PAIR, "answer": f"Senn {n}"} for n in range(2 * KEPT_EVERY)]
    source = write_lines(tmp_path / "pairs.jsonl", *pairs)
    out = tmp_path / "out.jsonl"

    def stop(count: int) -> None:
        if count == KEPT_EVERY + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_questions(source, out, progress=stop)
    write_lines(source, {**PAIR, "answer": "Oxley"})
    assert import_questions(source, out).instances == 1
    (one,) = read_instances(out)
    assert one.answer.value == "Oxley"


@requirement("qa:import")
def test_the_command_tells_the_counts_and_takes_lines_lists_and_packed_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "musique.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(MUSIQUE).encode()))
    listed = tmp_path / "finqa.json"
    listed.write_text(json.dumps([FINQA]), encoding="utf-8")
    for source, name in ((packed, "musique"), (listed, "finqa")):
        code = run(["import", "qa", str(source), "--out", str(tmp_path / name), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert (code, told["format"], told["instances"]) == (0, name, 1)
    assert run(["import", "qa", str(packed), "--out", str(tmp_path / "musique")]) == 0
    assert "1 instances of 1 records (musique)" in capsys.readouterr().out
    # What another source became, or any other file, is not replaced.
    assert run(["import", "qa", str(listed), "--out", str(tmp_path / "musique")]) == 2
    assert "does not come from finqa.json" in capsys.readouterr().err
    assert run(["import", "qa", str(listed), "--out", str(listed)]) == 2
    assert json.loads(listed.read_text(encoding="utf-8")) == [FINQA]


@requirement("qa:import")
def test_an_id_that_stands_twice_rejects_the_later_record(tmp_path: Path) -> None:
    pair = {"id": "a", "question": "Who?", "answer": "Ada"}
    source = tmp_path / "pairs.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in (pair, pair, {**pair, "id": "b"})))
    report = import_questions(source, tmp_path / "out.jsonl")
    assert (report.instances, report.rejected) == (2, 1)
    rejected = json.loads(report.rejects.read_text(encoding="utf-8"))
    assert rejected["reason"] == "the id 'plain-a' stands in an earlier record"


@requirement("qa:import")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.jsonl"], "expected a file of questions at none.jsonl: No such file or directory"),
        (["odd.jsonl"], "no format fits its records, which have a;"),
        (["odd.jsonl", "--format", "squad"], "there is no format 'squad'"),
        (["odd.jsonl", "--language", "fr"], "--language is en or zh; got 'fr'"),
        (["broken.json"], "expected JSON"),
    ],
)
def test_what_cannot_be_imported_is_one_clear_message(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "odd.jsonl", {"a": 1})
    (tmp_path / "broken.json").write_text("[1, 2", encoding="utf-8")
    assert run(["import", "qa", *arguments, "--out", "out.jsonl"]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out.jsonl").exists()


def test_what_is_no_instance_is_told_by_line(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "pairs.jsonl", PAIR)
    with pytest.raises(SourceError, match="import files of questions with `arena import qa`"):
        list(read_instances(source))


@requirement("qa:shipped")
def test_extracts_ship_with_licence_and_provenance_and_are_small() -> None:
    assert shipped_question_names() == ("gsm8k", "strategyqa", "tatqa")
    for name in shipped_question_names():
        file = shipped_questions(name)
        assert file.stat().st_size < 100_000
        assert "MIT License" in (file.parent / "LICENSE").read_text("utf-8")
        told = (file.parent / "PROVENANCE.md").read_text("utf-8")
        assert "https://github.com/" in told
        assert "scripts/cut_questions.py" in told
    assert Path("scripts/cut_questions.py").is_file()
