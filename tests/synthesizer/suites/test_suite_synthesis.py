import hashlib
import os
from pathlib import Path

import pytest

from astra_arena.core.errors import BundleError, SettingsError
from astra_arena.core.tasks import Task, gold_answers, references_of
from astra_arena.servers.bundles.suite import Suite, load_suite
from astra_arena.synthesizer.suites.suite_synthesis import SuiteOptions, synthesize_suite
from tests.support.requirement import requirement
from tests.synthesizer.suites.conftest import Made, by_name


def joint_tasks(suite: Suite) -> list[Task]:
    return [task for task in suite.tasks if task.variant == "base"]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@requirement("suites:cross-server")
def test_every_joint_task_hands_a_value_from_one_environment_to_another(made: Made) -> None:
    tasks = joint_tasks(made.suite)
    assert len(tasks) == made.options.tasks
    for task in tasks:
        homes = {question.id: question.environment for question in task.sub_questions}
        handed = [
            (homes[parent], question.environment)
            for question in task.sub_questions
            for parent in references_of(question.arguments)
        ]
        assert any(giver != taker for giver, taker in handed), task.id


@requirement("suites:cross-server")
def test_sub_questions_name_the_environment_that_has_their_tool(made: Made) -> None:
    members = by_name(made.suite)
    for task in joint_tasks(made.suite):
        used = {question.environment for question in task.sub_questions}
        assert len(used) > 1
        assert set(task.environments) == {members[n].digests.environment for n in used}
        for question in task.sub_questions:
            for tool in (question.tool, *(other.tool for other in question.alternatives)):
                assert members[question.environment].environment.tool(str(tool)) is not None


@requirement("suites:cross-server")
def test_values_go_both_ways_between_the_environments(made: Made) -> None:
    ways = {
        (homes[parent], question.environment)
        for task in joint_tasks(made.suite)
        for homes in [{one.id: one.environment for one in task.sub_questions}]
        for question in task.sub_questions
        for parent in question.depends_on
    }
    assert {("sales", "returns"), ("returns", "sales")} <= ways


@requirement("suites:cross-server")
def test_some_joint_tasks_read_in_one_environment_and_write_in_another(made: Made) -> None:
    changing = [task for task in joint_tasks(made.suite) if task.final_state is not None]
    assert len(changing) >= 2
    for task in changing:
        assert task.final_state is not None
        written = set(task.final_state.digests)
        assert {one.environment for one in task.final_state.assertions} == written
        read = {question.environment for question in task.sub_questions} - written
        assert read


def test_no_prompt_states_an_answer_that_is_handed_over(made: Made) -> None:
    for task in joint_tasks(made.suite):
        answers = gold_answers(task)
        handed = {name for q in task.sub_questions for name in references_of(q.arguments)}
        for name in handed:
            value = answers[name]
            assert not isinstance(value, str) or value not in task.prompt


@requirement("suites:distractors")
def test_distractor_tasks_offer_tools_of_the_other_member_in_bands(made: Made) -> None:
    tasks = [task for task in made.suite.tasks if task.variant == "distractors"]
    assert len(tasks) == made.options.distractors
    assert {task.sub_questions[0].environment for task in tasks} == {"sales", "returns"}
    for task in tasks:
        (home,) = {question.environment for question in task.sub_questions}
        foreign = {tool for tool in task.tools if not tool.startswith(f"{home}__")}
        proof = task.provenance["proof"]
        assert isinstance(proof, dict)
        bands, solving = proof["bands"], proof["left_out_as_solving"]
        assert isinstance(bands, dict)
        assert isinstance(solving, list)
        assert set(bands) == {"high", "medium", "low"}
        drawn = {str(n) for names in bands.values() if isinstance(names, list) for n in names}
        assert foreign == drawn
        assert foreign
        assert not drawn & {str(name) for name in solving}


@requirement("suites:deterministic")
def test_equal_bundles_and_seeds_give_equal_bytes(made: Made, tmp_path: Path) -> None:
    again = synthesize_suite(made.bundles, tmp_path / "again", made.options)
    assert digests(again.suite.path) == digests(made.suite.path)


def test_nothing_is_left_beside_the_suite_and_it_can_be_read_again(made: Made) -> None:
    assert os.listdir(made.suite.path.parent) == [made.suite.path.name]
    assert load_suite(made.suite.path).tasks == made.suite.tasks


def test_the_report_tells_links_figures_and_what_was_left_out(made: Made) -> None:
    report = made.synthesis.report
    sampling = report["sampling"]
    assert isinstance(sampling, dict)
    assert sampling["tasks"] == made.options.tasks
    assert isinstance(report["links"], list)
    assert len(report["links"]) == 3
    assert isinstance(report["left_out_as_leaking"], list)
    assert isinstance(report["difficulty"], dict)


def test_one_bundle_is_no_suite(companies: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="joins 2 bundles or more; got 1"):
        synthesize_suite(companies[:1], tmp_path / "suite")


def test_environments_of_one_name_are_refused(companies: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'sales' comes twice"):
        synthesize_suite([companies[0], companies[0]], tmp_path / "suite")


def test_a_name_that_a_member_has_is_refused(companies: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--name 'sales' cannot be the suite's"):
        synthesize_suite(companies, tmp_path / "suite", SuiteOptions(name="sales"))


def test_a_folder_that_is_no_suite_is_not_replaced(
    companies: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(BundleError, match="is no suite"):
        synthesize_suite(companies, tmp_path / "notes")
    assert (tmp_path / "notes" / "mine.txt").read_text(encoding="utf-8") == "kept"
