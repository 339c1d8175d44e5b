"""Questions that bring a program become environments that all gates let through."""

import ast
import json
import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from astra_arena.client import read_rollouts
from astra_arena.core.cli import run
from astra_arena.core.errors import GateError, SynthesisError
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.synthesizer.checkpoints import WORK_FOLDER
from astra_arena.synthesizer.gates.registry import all_gates
from astra_arena.synthesizer.gates.release import read_report
from astra_arena.synthesizer.qa.environments.question_synthesis import (
    QuestionOptions,
    QuestionSynthesis,
    synthesize_questions,
)
from astra_arena.synthesizer.qa.importing import (
    ImportOptions,
    import_questions,
    read_instances,
)
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.qa.programs import evaluate_program
from tests.support.requirement import requirement
from tests.synthesizer.qa.conftest import OPTIONS, imported
from tests.synthesizer.qa.made_records import CONVFINQA
from tests.synthesizer.qa.reading import write_lines

QUICK = QuestionOptions(tasks=4, seed=3, gates=("schema", "replay"))


def bundle_of(made: QuestionSynthesis) -> Bundle:
    (bundle,) = made.bundles
    return bundle


def both(reports: QuestionSynthesis, stories: QuestionSynthesis) -> list[Bundle]:
    return [bundle_of(reports), bundle_of(stories)]


@requirement("qa:environments")
def test_environments_pass_every_gate_and_say_so(
    reports: QuestionSynthesis, stories: QuestionSynthesis
) -> None:
    for bundle in both(reports, stories):
        report = read_report(bundle.path)
        gates = report["gates"]
        assert isinstance(gates, list)
        ran = {str(one["gate"]) for one in gates if isinstance(one, dict)}
        assert ran == {gate.name for gate in all_gates()}
        assert len(bundle.tasks) == OPTIONS.tasks
        assert bundle.environment.licence.name == "MIT"
        assert load_bundle(bundle.path).digests == bundle.digests


@requirement("qa:environments")
def test_the_oracle_earns_everything_on_every_task(
    reports: QuestionSynthesis, stories: QuestionSynthesis, tmp_path: Path
) -> None:
    for bundle in both(reports, stories):
        out = tmp_path / f"{bundle.name}.jsonl"
        assert run(["rollout", str(bundle.path), "--agent", "oracle", "--out", str(out)]) == 0
        rewards = [one.verdict.reward for one in read_rollouts(out) if one.verdict is not None]
        assert rewards == [1.0] * len(bundle.tasks)


@requirement("qa:topologies")
def test_all_four_topologies_occur(reports: QuestionSynthesis, stories: QuestionSynthesis) -> None:
    tasks = [task for bundle in both(reports, stories) for task in bundle.tasks]
    found = {str(task.difficulty["topology"]) for task in tasks}
    assert found == {"single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop"}
    reported = {str(task.difficulty["topology"]) for task in bundle_of(reports).tasks}
    assert reported == found


@requirement("qa:shared-world")
def test_one_world_holds_all_that_the_source_has_beside_the_facts(
    reports: QuestionSynthesis, stories: QuestionSynthesis
) -> None:
    with closing(sqlite3.connect(bundle_of(reports).path / "world.sqlite")) as world:
        (count,) = world.execute("SELECT count(*) FROM reports").fetchone()
        (cells,) = world.execute("SELECT count(value) FROM cells").fetchone()
    assert count == 18
    assert cells > 20 * OPTIONS.tasks
    with closing(sqlite3.connect(bundle_of(stories).path / "world.sqlite")) as world:
        (count,) = world.execute("SELECT count(*) FROM stories").fetchone()
    assert count == 70


def instance_of(task: Task, known: dict[str, QAInstance]) -> QAInstance:
    return known[str(task.provenance["instance"])]


@requirement("qa:reference")
def test_gold_is_what_the_program_gives_and_the_source_states(
    reports: QuestionSynthesis, stories: QuestionSynthesis
) -> None:
    checked = 0
    for made in (reports, stories):
        folder = bundle_of(made).path.parent.parent
        known = {
            one.id: one
            for file in folder.glob("*.jsonl")
            if not file.name.endswith(".rejects.jsonl")
            for one in read_instances(file)
        }
        for task in bundle_of(made).tasks:
            instance = instance_of(task, known)
            assert task.final_answer is not None
            assert task.final_answer.value == instance.answer.value
            if instance.answer.kind != "number" or instance.decomposition is None:
                continue
            exact = evaluate_program(instance.decomposition)
            (final,) = instance.decomposition.final_ids
            gold = next(one for one in task.sub_questions if one.id == final)
            assert isinstance(gold.answer.value, int | float)
            difference = Fraction(repr(gold.answer.value)) - exact[final]
            assert abs(difference) <= Fraction(1, 10**8)
            checked += 1
    assert checked >= OPTIONS.tasks


@requirement("qa:tools-blind")
def test_tool_code_knows_nothing_of_the_questions_and_is_typed(
    reports: QuestionSynthesis, stories: QuestionSynthesis
) -> None:
    for bundle in both(reports, stories):
        tree = ast.parse(bundle.tools_py)
        constants = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        }
        assert constants <= {0, 1, 2, 10, 20, 100, None}
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert {tool.name for tool in bundle.environment.tools} <= {one.name for one in functions}
        for function in functions:
            assert ast.get_docstring(function)
            assert function.returns is not None
            given = [*function.args.args, *function.args.kwonlyargs]
            assert all(one.annotation is not None for one in given)


@requirement("qa:tools-blind")
def test_the_same_tools_serve_other_questions(reports: QuestionSynthesis, tmp_path: Path) -> None:
    source = imported("tatqa", tmp_path)
    lines = source.read_text("utf-8").splitlines()
    fewer = write_lines(tmp_path / "fewer.jsonl", *lines[: len(lines) // 2])
    made = synthesize_questions(fewer, tmp_path / "out", QUICK)
    assert bundle_of(made).tools_py == bundle_of(reports).tools_py


def test_numbers_of_stories_are_not_in_the_prompt_but_on_file(stories: QuestionSynthesis) -> None:
    for task in bundle_of(stories).tasks:
        looked_up = [one for one in task.sub_questions if one.tool == "read_quantity"]
        assert looked_up
        for one in looked_up:
            assert f"[{one.arguments['quantity']}]" in task.prompt
            assert str(one.arguments["story_id"]) in task.prompt


@requirement("qa:reasons")
def test_every_instance_is_a_candidate_or_listed_with_its_reason(
    reports: QuestionSynthesis,
) -> None:
    lines = [json.loads(line) for line in reports.rejects.read_text("utf-8").splitlines()]
    assert all(one["reason"] and one["instance"] for one in lines)
    environments = reports.report["environments"]
    assert isinstance(environments, list)
    (told,) = environments
    assert isinstance(told, dict)
    candidates = told["candidates"]
    assert isinstance(candidates, dict)
    counts = [count for count in candidates.values() if isinstance(count, int)]
    assert len(lines) + sum(counts) == reports.report["instances"] == 108
    assert any(one["reason"].startswith("needs --model: ") for one in lines)


@requirement("qa:reasons")
def test_without_a_program_nothing_is_made_up(tmp_path: Path) -> None:
    source = imported("strategyqa", tmp_path)
    with pytest.raises(SynthesisError, match="none of the 58 instances can become a task"):
        synthesize_questions(source, tmp_path / "out", QUICK)
    rejects = (tmp_path / "out" / "rejects.jsonl").read_text("utf-8").splitlines()
    assert len(rejects) == 58
    assert {json.loads(line)["reason"][:14] for line in rejects} == {"needs --model:"}


@requirement("qa:deterministic")
def test_equal_instances_and_seed_give_equal_bundles_and_other_seeds_others(
    tmp_path: Path,
) -> None:
    source = imported("gsm8k", tmp_path)
    one, same, other = (
        bundle_of(synthesize_questions(source, tmp_path / name, options))
        for name, options in (
            ("one", QUICK),
            ("same", QUICK),
            ("other", QuestionOptions(tasks=4, seed=4, gates=QUICK.gates)),
        )
    )
    assert one.digests == same.digests
    assert (tmp_path / "one/synthesis.json").read_bytes() == (
        tmp_path / "same/synthesis.json"
    ).read_bytes()
    assert one.digests.tasks != other.digests.tasks


@requirement("qa:deterministic")
def test_a_run_that_was_stopped_does_not_make_finished_environments_again(tmp_path: Path) -> None:
    source = tmp_path / "mixed.jsonl"
    texts = [imported(name, tmp_path).read_text("utf-8") for name in ("gsm8k", "tatqa")]
    source.write_text("".join(texts), encoding="utf-8")
    out, whole = tmp_path / "out", tmp_path / "whole"
    expected = synthesize_questions(source, whole, QUICK)
    assert [one.name for one in expected.bundles] == ["finance-reports", "arithmetic-stories"]

    def stop(doing: str, done: int, total: int) -> None:
        del done, total
        if doing.startswith("arithmetic-stories"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize_questions(source, out, QUICK, watcher=stop)
    assert (out / "finance-reports").is_dir()
    doings: list[str] = []
    made = synthesize_questions(
        source, out, QUICK, watcher=lambda doing, done, total: doings.append(doing)
    )
    assert any(doing.startswith("arithmetic-stories") for doing in doings)
    assert not any(doing.startswith("finance-reports") for doing in doings)
    assert [one.digests for one in made.bundles] == [one.digests for one in expected.bundles]
    assert not (out / WORK_FOLDER).exists()


@requirement("qa:environments")
def test_the_command_makes_environments_and_tells_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = imported("tatqa", tmp_path)
    out = tmp_path / "out"
    command = ["synth", "qa", str(source), "--out", str(out), "--tasks", "4", "--gates", "quick"]
    assert run(command) == 0
    told = capsys.readouterr().out
    assert "4 tasks over 11 tools" in told
    assert " of 108 instances became no task" in told
    assert run([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["environments"][0]["name"] == "finance-reports"


@pytest.mark.parametrize("foreign", ["notes.txt", "thesis.tex"])
def test_a_folder_of_something_else_is_left_alone(foreign: str, tmp_path: Path) -> None:
    source = imported("tatqa", tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / foreign).write_text("mine", encoding="utf-8")
    with pytest.raises(SynthesisError, match=f"holds '{foreign}', which is none of ours"):
        synthesize_questions(source, out, QUICK)
    assert (out / foreign).read_text("utf-8") == "mine"


@requirement("qa:environments")
def test_a_turn_of_a_conversation_is_told_with_what_was_asked_before(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "records.jsonl", CONVFINQA)
    out = tmp_path / "instances.jsonl"
    import_questions(source, out)
    options = QuestionOptions(tasks=4, gates=("schema", "replay", "data_flow", "leak"))
    bundle = bundle_of(synthesize_questions(out, tmp_path / "out", options))
    assert [task.prompt.count("?") for task in bundle.tasks] == [1, 2, 3, 4]
    assert bundle.tasks[1].prompt == ("In report R0001: what was revenue in 2011? and in 2010?")
    last = bundle.tasks[-1].sub_questions
    assert [one.tool for one in last] == ["find_cells", "find_cells", "subtract", "divide"]


@requirement("qa:chinese")
def test_chinese_stories_are_an_environment_of_their_own_and_marked_as_translated(
    tmp_path: Path,
) -> None:
    source = Path(__file__).with_name("made_stories_zh.jsonl")
    out = tmp_path / "instances.jsonl"
    import_questions(source, out, ImportOptions(language="zh", translated=True))
    bundle = bundle_of(synthesize_questions(out, tmp_path / "out", QUICK))
    assert bundle.name == "arithmetic-stories-zh"
    assert len(bundle.tasks) == 3
    for task in bundle.tasks:
        assert task.provenance["translated"] is True
        assert task.prompt.startswith("故事 S0000")
        assert "[A]" in task.prompt


@requirement("qa:environments")
def test_an_environment_that_the_gates_reject_is_not_released(tmp_path: Path) -> None:
    source = imported("tatqa", tmp_path)
    lines = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    found = next(
        one
        for one in lines
        if one["answer"]["kind"] == "number"
        and one["answer"]["value"] > 1000
        and len(one.get("decomposition", {}).get("nodes", ())) == 1
    )
    told = {**found, "question": f"{found['question']} Is it {found['answer']['value']}?"}
    leaking = write_lines(tmp_path / "leaking.jsonl", told)
    with pytest.raises(GateError, match="no environment passed the gates: finance-reports"):
        synthesize_questions(leaking, tmp_path / "out", QuestionOptions(tasks=1, gates=("leak",)))
    assert not (tmp_path / "out" / "finance-reports").exists()
    assert "gold in the prompt" in (tmp_path / "out/finance-reports.rejects.jsonl").read_text(
        "utf-8"
    )
