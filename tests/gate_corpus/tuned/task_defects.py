"""Defects of tasks and their gold."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.tasks import (
    Alternative,
    Budget,
    Expectation,
    FinalAnswer,
    FinalState,
    SubQuestion,
    Task,
    Turn,
)
from tests.gate_corpus.case import Case, Draft
from tests.gate_corpus.held_out.good_cases import with_tasks
from tests.gate_corpus.tuned import bank_tasks, freight_tasks, hospital_tasks, telecom_tasks
from tests.gate_corpus.tuned.bank_tasks import asked
from tests.gate_corpus.tuned.bank_world import LISTS, RECORDS, bank
from tests.gate_corpus.tuned.freight_world import freight
from tests.gate_corpus.tuned.hospital_world import WORLD, hospital
from tests.gate_corpus.tuned.telecom_world import LINES, MONTHS, telecom
from tests.gate_corpus.writing import ACT, ANSWER, INTEGER, TEXT, bad, checked, tool

_advisers = with_tasks(bank, bank_tasks.multi_hop)
_both = with_tasks(bank, bank_tasks.parallel_multi_hop)
_gates = with_tasks(freight, freight_tasks.gates)
_desks = with_tasks(hospital, hospital_tasks.desks)
_usage = with_tasks(telecom, telecom_tasks.usage)
_closed = with_tasks(telecom, telecom_tasks.missing_function)


def with_last(task: Task, **changes: object) -> Task:
    """Return a task whose last sub-question is changed."""
    *first, last = task.sub_questions
    changed = SubQuestion.model_validate({**dict(last), **changes})
    return checked(task, sub_questions=(*first, changed))


def wrong_path() -> Draft:
    """The answer is said to lie where the reply has something else."""

    def change(task: Task) -> Task:
        answer = task.sub_questions[-1].answer.model_copy(update={"path": "/name"})
        return with_last(task, answer=answer)

    return _advisers().retask("adviser-140", change)


def wide_tolerance() -> Draft:
    """Any sum within fifty thousand megabytes is taken for the right one."""

    def change(task: Task) -> Task:
        assert task.final_answer is not None
        final = task.final_answer.model_copy(update={"tolerance": 50_000.0, "rivals": ()})
        return checked(task, final_answer=final)

    return with_tasks(telecom, telecom_tasks.differences)().retask("together-66-240", change)


def needless_parent() -> Draft:
    """The user names the adviser who is to be found out first."""

    def change(task: Task) -> Task:
        adviser = task.sub_questions[2].answer.value
        say = f"{task.prompt} It should be {adviser}."
        return checked(task, turns=(Turn(say=say, expect=ACT),))

    return _advisers().retask("adviser-255", change)


def parent_ignored() -> Draft:
    """The desk that answers is that of the patient's ward, whichever ward is asked about."""
    phone = str(WORLD["wards"][sorted(WORLD["wards"])[0]]["desk_phone"])
    draft = _desks().code(
        'return {"ward_id": ward_id, **_entry(world, "wards", ward_id)}',
        'first = world["wards"][min(world["wards"])]\n'
        '    return {"ward_id": ward_id, "desk_phone": first["desk_phone"]}',
    )
    tasks = [
        with_last(task, answer=task.sub_questions[-1].answer.model_copy(update={"value": phone}))
        for task in draft.tasks
    ]
    return draft.with_tasks(*tasks)


def frequent_answer() -> Draft:
    """Every answer is yes, and it only has to be said."""
    tasks: list[Task] = []
    for n in (10, 60, 110, 160, 210, 260):
        number = LINES[n][0]
        say = f"Has {number} used more than 500 megabytes in {MONTHS[n % 12]}?"
        tasks.append(
            telecom_tasks.task(
                f"much-{n}",
                [Turn(say=say, expect=ANSWER)],
                final_answer=FinalAnswer(kind="exact", value=True, rivals=(False,)),
            )
        )
    return telecom().with_tasks(*tasks)


def equivalent_argument() -> Draft:
    """Plates are found in any case, and the gold counts in one spelling alone."""
    draft = with_tasks(freight, freight_tasks.six_questions)().code(
        'return _one(world, "SELECT * FROM trucks WHERE plate = ?", [plate], "truck")',
        'sql = "SELECT * FROM trucks WHERE plate = upper(?)"\n'
        '    return _one(world, sql, [plate.strip()], "truck")',
    )
    return draft


def wrong_entity() -> Draft:
    """Paying to another account counts, and no state says that it must not."""
    other = LISTS["accounts"][92]["iban"]

    def change(task: Task) -> Task:
        (pay,) = task.sub_questions
        choice: list[Json] = [other, LISTS["accounts"][5]["iban"]]
        arguments: JsonObject = {**pay.arguments, "to_iban": {"$any": choice}}
        loose = Alternative(tool="transfer_money", arguments=arguments, path="/balance_cents")
        assert task.final_state is not None
        first = task.final_state.assertions[0]
        state = FinalState(
            assertions=(first,), ignored_paths=("/tables/accounts", "/tables/transfers")
        )
        return checked(
            task,
            final_state=state,
            sub_questions=(pay.model_copy(update={"alternatives": (loose,)}),),
        )

    return with_tasks(bank, bank_tasks.transfers)().retask("pay-60-201", change)


def same_again() -> Draft:
    """One task comes twice, with a word more."""
    draft = _gates()
    one = draft.task("gate-288")
    turns = (Turn(say=f"Please: {one.prompt}", expect=ACT),)
    return draft.with_tasks(*draft.tasks, checked(one, id="gate-copy", turns=turns))


def still_solvable() -> Draft:
    """The tool that is withheld is not the only one that tells who holds a contract."""
    spec = tool(
        "holder_of_line",
        "Tell who holds the contract of a line.",
        {"number": TEXT},
        {"number": TEXT, "holder_id": INTEGER},
    )
    code = '''
def holder_of_line(world, *, number):
    """Return who holds the contract of a line."""
    contract = world.entry("contracts", world.entry("lines", number)["contract_no"])
    return {"number": number, "holder_id": contract["holder_id"]}
'''
    return _closed().more_tools(spec, code=code)


def loose_alias() -> Draft:
    """Any question at all names the slot."""

    def change(task: Task) -> Task:
        (slot,) = task.slots
        return checked(task, slots=(slot.model_copy(update={"aliases": ("what", "you", "the")}),))

    return with_tasks(hospital, hospital_tasks.missing_parameter)().retask("late-120", change)


def slot_in_prompt() -> Draft:
    """What is to be asked for was said already."""

    def change(task: Task) -> Task:
        (slot,) = task.slots
        say = f"{task.prompt} My slip says {slot.value}."
        expect = Expectation(kind="ask", slot=slot.name)
        return checked(task, turns=(Turn(say=say, expect=expect),))

    return with_tasks(hospital, hospital_tasks.missing_parameter)().retask("late-43", change)


def small_budget() -> Draft:
    """Five calls are needed and three may be made."""
    return _desks().retask("desk-133", lambda task: checked(task, budget=Budget(calls=3)))


def no_time() -> Draft:
    """The episode is over before the first call."""
    budget = Budget(calls=10, seconds=0.000_001)
    return _both().retask("both-112-9", lambda task: checked(task, budget=budget))


def one_wrong_value() -> Draft:
    """The gold has a digit that the data does not have."""

    def change(task: Task) -> Task:
        answer = task.sub_questions[-1].answer
        value = answer.value
        assert isinstance(value, int)
        return with_last(task, answer=answer.model_copy(update={"value": value + 10}))

    return _usage().retask("usage-150", change)


def answer_spelt_otherwise() -> Draft:
    """The prompt holds the answer with separators of thousands."""
    account = LISTS["accounts"][96]
    cents = RECORDS["accounts"][account["iban"]]["balance_cents"]
    say = f"Is it true that {cents:,} cents are on account {account['iban']}? How many are there?"
    draft = with_tasks(bank, bank_tasks.single_hop)()
    steps = asked(account["iban"], bank_tasks.BALANCE)
    return draft.retask(
        "balance-96",
        lambda task: checked(task, turns=(Turn(say=say, expect=ACT),), sub_questions=steps),
    )


_RADIOS = tuple(f"radios-{n}" for n in ("41-222-333", "77-260-410", "95-301-480", "118-350-505"))
_DESKS = tuple(f"desk-{n}" for n in (21, 80, 133, 190, 244))
_CLOSED = tuple(f"closed-{n}" for n in (40, 96, 163, 284))

CASES: tuple[Case, ...] = (
    bad("wrong-path", "replay", "gold at a wrong path", wrong_path, "adviser-140"),
    bad("one-digit", "replay", "gold with a wrong value", one_wrong_value, "usage-150"),
    bad("wide-tolerance", "wrong_solutions", "wrong tolerance", wide_tolerance, "together-66-240"),
    bad("needless-parent", "data_flow", "parent not needed", needless_parent, "adviser-255"),
    bad(
        "parent-ignored",
        "data_flow",
        "parent does not matter to its child",
        parent_ignored,
        *_DESKS,
    ),
    bad("frequent-answer", "floor", "most frequent answer wins", frequent_answer),
    bad(
        "equivalent-argument",
        "alternatives",
        "equivalent argument not accepted",
        equivalent_argument,
        *_RADIOS,
    ),
    bad(
        "wrong-entity",
        "wrong_solutions",
        "final state that accepts a wrong entity",
        wrong_entity,
        "pay-60-201",
    ),
    bad("same-again", "duplicates", "near-duplicate tasks", same_again, "gate-288", "gate-copy"),
    bad(
        "still-solvable",
        "alternatives",
        "missing function solvable all the same",
        still_solvable,
        *_CLOSED,
    ),
    bad(
        "loose-alias",
        "wrong_solutions",
        "slot alias that any question hits",
        loose_alias,
        "late-120",
    ),
    bad("slot-in-prompt", "leak", "slot identifiable from the prompt", slot_in_prompt, "late-43"),
    bad("small-budget", "floor", "budget smaller than the gold program", small_budget, "desk-133"),
    bad("no-time", "floor", "gold unreachable in the time given", no_time, "both-112-9"),
    bad(
        "answer-with-separators",
        "leak",
        "answer in the prompt",
        answer_spelt_otherwise,
        "balance-96",
    ),
)
