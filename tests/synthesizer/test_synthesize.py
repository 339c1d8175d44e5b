import errno
import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from astra_arena.core.errors import BundleError, SettingsError, SourceError, SynthesisError
from astra_arena.core.tasks import SubQuestion, Task
from astra_arena.servers.bundles.bundle import Bundle, load_bundle
from astra_arena.synthesizer import synthesize
from astra_arena.synthesizer.gates.registry import QUICK_GATES
from astra_arena.synthesizer.synthesize import TableOptions, synthesize_tables
from astra_arena.synthesizer.tasks.questions import gives_away
from astra_arena.synthesizer.tasks.task_graphs import TOPOLOGY_OF
from tests.support.requirement import requirement
from tests.synthesizer.analysed import FLIGHT_TASKS, open_world
from tests.synthesizer.inputs import make_odd_names, make_shop, make_single_table

SYNTHESIZE = """
import sys
from pathlib import Path
from astra_arena.synthesizer import TableOptions, synthesize_tables
options = TableOptions(gates=("schema", "replay"), tasks=12, seed=5)
synthesize_tables(Path(sys.argv[1]), Path(sys.argv[2]), options)
"""


def _writes(task: Task, question: SubQuestion) -> bool:
    kinds = task.difficulty.get("changes")
    feeds = any(question.id in other.depends_on for other in task.sub_questions)
    return isinstance(kinds, list) and not feeds


def report_of(bundle: Bundle) -> dict[str, object]:
    return json.loads((bundle.path / "report.json").read_bytes())


@requirement("synth:table", "synth:tasks")
def test_the_flights_data_gives_tasks_of_all_shapes(flights_made: Bundle) -> None:
    assert len(flights_made.tasks) == FLIGHT_TASKS
    mix = Counter(str(task.difficulty["topology"]) for task in flights_made.tasks)
    assert mix["multi_hop"] + mix["parallel_multi_hop"] >= 50
    assert set(mix) == set(TOPOLOGY_OF.values())
    shapes = Counter(str(task.difficulty["shape"]) for task in flights_made.tasks)
    assert all(shapes[shape] >= 6 for shape in ("chain", "fork", "join", "branches"))
    assert {len(task.sub_questions) for task in flights_made.tasks} >= {1, 2, 3, 4, 5, 6}
    hops = Counter(task.difficulty["hops"] for task in flights_made.tasks)
    assert sum(n for depth, n in hops.items() if isinstance(depth, int) and depth >= 3) >= 20


@requirement("synth:no-leak")
def test_no_question_holds_an_answer(flights_made: Bundle, shop_bundle: Bundle) -> None:
    for task in (*flights_made.tasks, *shop_bundle.tasks):
        # What a change comes to is what was asked for.
        reading = [q for q in task.sub_questions if not _writes(task, q)]
        for question in reading:
            value = question.answer.value
            assert isinstance(value, str | int | float)
            assert not gives_away(task.prompt, value), (task.id, task.prompt)


def test_no_tool_description_holds_a_final_text_answer(flights_made: Bundle) -> None:
    told = " ".join(
        json.dumps([tool.description, tool.input_schema], ensure_ascii=False)
        for tool in flights_made.environment.tools
    )
    for task in flights_made.tasks:
        feeding = {parent for q in task.sub_questions for parent in q.depends_on}
        for question in task.sub_questions:
            value = question.answer.value
            if question.id not in feeding and isinstance(value, str):
                assert not re.search(rf"\b{re.escape(value)}\b", told), (task.id, value)


@requirement("synth:replay")
def test_the_report_states_the_replay(flights_made: Bundle) -> None:
    gates = report_of(flights_made)["gates"]
    assert isinstance(gates, list)
    by_name = {gate["gate"]: gate for gate in cast("list[dict[str, Any]]", gates)}
    replay = by_name["replay"]
    assert replay["status"] == "passed"
    assert replay["figures"]["runs"] == 3
    assert replay["figures"]["tasks"] >= FLIGHT_TASKS


def test_provenance_names_inputs_keys_and_references(flights_made: Bundle) -> None:
    provenance = flights_made.environment.provenance
    inputs = provenance["inputs"]
    references = provenance["references"]
    assert isinstance(inputs, list)
    assert isinstance(references, list)
    assert len(inputs) == 5
    assert len(references) == 6
    assert flights_made.environment.licence.name == "CC0-1.0"


@requirement("synth:deterministic", "bundle:deterministic")
def test_two_processes_give_the_same_bytes(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite")
    for name in ("one", "two"):
        command = [sys.executable, "-c", SYNTHESIZE, str(source), str(tmp_path / name)]
        subprocess.run(command, check=True)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@requirement("synth:table")
@pytest.mark.parametrize("make", [make_single_table, make_odd_names])
def test_other_sources_work_from_end_to_end(make: Callable[[Path], Path], tmp_path: Path) -> None:
    source = make(tmp_path / ("source.csv" if make is make_single_table else "source.sqlite"))
    made = synthesize_tables(source, tmp_path / "bundle", TableOptions(gates=QUICK_GATES, tasks=12))
    assert len(made.bundle.tasks) == 12
    assert load_bundle(tmp_path / "bundle").digests == made.bundle.digests


def test_the_world_has_indexes_and_nothing_of_the_drawing(shop_bundle: Bundle) -> None:
    query = "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex%'"
    with open_world(shop_bundle) as world:
        names = {name for (name,) in world.execute(query)}
    assert "by_orders_customer_id" in names
    assert not any(name.startswith("draw_") or name == "sqlite_stat1" for name in names)


@requirement("input:empty-table")
def test_an_empty_table_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("id,name\n", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "empty.sqlite")) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    for name in ("empty.csv", "empty.sqlite"):
        with pytest.raises(SourceError, match="rows"):
            synthesize_tables(tmp_path / name, tmp_path / "bundle")


def test_data_that_allows_no_task_is_one_clear_message(tmp_path: Path) -> None:
    source = tmp_path / "tiny.csv"
    source.write_text("id,name\n1,a\n2,b\n", encoding="utf-8")
    options = TableOptions(gates=QUICK_GATES, topologies={"multi_hop": 1.0})
    with pytest.raises(SynthesisError, match="the data allows no task of several steps"):
        synthesize_tables(source, tmp_path / "bundle", options)
    assert not (tmp_path / "bundle").exists()


def test_a_bad_name_is_one_clear_message(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite")
    with pytest.raises(SettingsError, match="--name is 1 to 63"):
        synthesize_tables(
            source, tmp_path / "bundle", TableOptions(gates=QUICK_GATES, name="My Shop")
        )


def test_a_folder_that_is_no_bundle_is_left_alone(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=60)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter.txt").write_text("keep", encoding="utf-8")
    told: list[str] = []
    with pytest.raises(BundleError, match="is no bundle"):
        synthesize_tables(
            source,
            tmp_path / "precious",
            TableOptions(gates=QUICK_GATES, tasks=3),
            watcher=lambda doing, _done, _total: told.append(doing),
        )
    assert told == [], "the folder is looked at before any work"
    assert (tmp_path / "precious" / "letter.txt").read_text(encoding="utf-8") == "keep"


def test_progress_is_told(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=60)
    told: list[tuple[str, int, int]] = []
    synthesize_tables(
        source,
        tmp_path / "bundle",
        TableOptions(gates=QUICK_GATES, tasks=3),
        watcher=lambda doing, done, total: told.append((doing, done, total)),
    )
    assert any(doing == "sample tasks" and done == total >= 3 for doing, done, total in told)
    assert any(doing == "replay" and done == total > 0 for doing, done, total in told)


def test_an_empty_table_gets_no_tools(tmp_path: Path) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=60)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("CREATE TABLE refunds (id INTEGER PRIMARY KEY, order_id INTEGER)")
    made = synthesize_tables(source, tmp_path / "bundle", TableOptions(gates=QUICK_GATES, tasks=3))
    assert "table 'refunds' has no rows: it gets no tools" in made.notices
    assert not any("refund" in tool.name for tool in made.bundle.environment.tools)


@pytest.mark.parametrize("tasks", [0, 10_001])
def test_a_number_of_tasks_out_of_bounds_is_refused_before_any_work(
    tmp_path: Path, tasks: int
) -> None:
    with pytest.raises(SettingsError, match="--tasks is 1 to 10000"):
        synthesize_tables(
            tmp_path / "none", tmp_path / "bundle", TableOptions(gates=QUICK_GATES, tasks=tasks)
        )


@pytest.mark.parametrize("full", [OSError(errno.ENOSPC, "No space left on device"), None])
def test_a_full_disk_under_the_temporary_files_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: OSError | None
) -> None:
    source = make_shop(tmp_path / "shop.sqlite", customers=20, orders=60)

    def analyse_on_a_full_disk(connection: sqlite3.Connection, *_: object) -> None:
        if full is not None:
            raise full
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE more AS SELECT zeroblob(1000000)")

    monkeypatch.setattr(synthesize, "analyse", analyse_on_a_full_disk)
    with pytest.raises(SynthesisError, match="the disk is full where temporary files lie"):
        synthesize_tables(source, tmp_path / "bundle")
