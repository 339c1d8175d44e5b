from astra_arena.core.schema import with_defaults
from astra_arena.core.tasks import Task, resolve_arguments
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.tasks.task_graphs import TOPOLOGY_OF
from tests.synthesizer.analysed import Analysed


def task_with(bundle: Bundle, kind: str) -> Task:
    return next(t for t in bundle.tasks if kind in str(t.provenance["template"]))


def test_ids_are_stable_and_in_order(shop_bundle: Bundle) -> None:
    ids = [task.id for task in shop_bundle.tasks]
    assert ids == sorted(set(ids))
    assert {identifier[0] for identifier in ids} == {"t", "w"}


def test_gold_arguments_are_complete(shop_bundle: Bundle) -> None:
    for task in shop_bundle.tasks:
        for question in task.sub_questions:
            for name, arguments in (
                (question.tool, question.arguments),
                *((other.tool, other.arguments) for other in question.alternatives),
            ):
                tool = shop_bundle.environment.tool(name or "")
                assert tool is not None
                assert arguments == with_defaults(tool.input_schema, arguments)


def test_values_of_parents_are_references(shop_bundle: Bundle) -> None:
    for task in shop_bundle.tasks:
        for question in task.sub_questions:
            for parent in question.depends_on:
                assert {"$from": parent, "path": ""} in question.arguments.values()


def test_budget_and_difficulty_follow_the_plan(shop_bundle: Bundle) -> None:
    for task in shop_bundle.tasks:
        steps = len(task.sub_questions)
        assert task.budget.calls == 3 * steps + 5
        assert task.difficulty["sub_questions"] == steps
        assert task.difficulty["topology"] in TOPOLOGY_OF.values()
        assert task.difficulty["shape"] in (*TOPOLOGY_OF, "change")


def test_a_search_by_a_reference_may_be_a_list_along_it(shop_bundle: Bundle) -> None:
    pairs = {
        (question.tool, other.tool)
        for task in shop_bundle.tasks
        for question in task.sub_questions
        for other in question.alternatives
        if other.tool.startswith("list_")
    }
    assert pairs
    assert pairs <= {
        (gold, f"list_{many}_of_{one}")
        for many, one in (
            ("orders", "customer"),
            ("order_items", "order"),
            ("order_items", "product"),
        )
        for gold in (f"find_{many}", f"count_{many}")
    }


def test_answers_of_searches_name_their_row(shop_bundle: Bundle) -> None:
    task = task_with(shop_bundle, "top ")
    search = next(q for q in task.sub_questions if q.arguments.get("sort_by") and q.answer.where)
    assert search.answer.where is not None
    assert search.answer.where.rows == "/rows"
    assert search.answer.path == f"/rows/0{search.answer.where.field}"
    assert search.arguments["limit"] == 1


def test_answers_are_typed(shop_bundle: Bundle) -> None:
    kinds = {
        (question.answer.kind, type(question.answer.value).__name__)
        for task in shop_bundle.tasks
        for question in task.sub_questions
    }
    assert kinds <= {
        ("number", "int"),
        ("number", "float"),
        ("date", "str"),
        ("text", "str"),
        ("exact", "str"),
        ("exact", "int"),
    }


def test_a_lookup_can_also_be_a_search(shop_bundle: Bundle) -> None:
    lookups = [
        question
        for task in shop_bundle.tasks
        for question in task.sub_questions
        if (question.tool or "").startswith("get_")
    ]
    assert lookups
    for question in lookups:
        assert {other.path for other in question.alternatives} == {
            f"/rows/0/{question.answer.path.removeprefix('/row/')}"
        }
        limits = {str(other.arguments["limit"]) for other in question.alternatives}
        assert limits == {"{'$any': [1, 2, 3, 5, 10, 20, 25, 50]}"}


def test_a_count_is_also_the_total_of_a_search_that_shows_few_rows(shop_bundle: Bundle) -> None:
    counts = [
        question
        for task in shop_bundle.tasks
        for question in task.sub_questions
        if (question.tool or "").startswith("count_")
    ]
    assert counts
    for question in counts:
        searches = [o for o in question.alternatives if o.tool.startswith("find_")]
        assert [(o.path, o.arguments["limit"]) for o in searches] == [
            ("/total", {"$any": [1, 2, 3, 5, 10]})
        ]


def test_provenance_names_the_rows_used(shop_bundle: Bundle, shop: Analysed) -> None:
    for task in shop_bundle.tasks:
        assert task.provenance["generator"] == "table"
        rows = task.provenance["rows"]
        assert isinstance(rows, list)
        for used in rows:
            assert isinstance(used, dict)
            assert str(used["table"]) in shop.catalogue.by_name


def test_references_resolve_to_gold(shop_bundle: Bundle) -> None:
    for task in shop_bundle.tasks:
        answers = {q.id: q.answer.value for q in task.sub_questions}
        for question in task.sub_questions:
            resolved = resolve_arguments(question.arguments, answers)
            assert not any(isinstance(value, dict) for value in resolved.values())
