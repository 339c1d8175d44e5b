"""Defects of tools: what is told of them, what they return, keep and let be injected."""

from collections.abc import Callable
from dataclasses import replace

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.environment import ToolSpec
from tests.gate_corpus.case import Case, Draft
from tests.gate_corpus.held_out.good_cases import with_tasks
from tests.gate_corpus.tuned import bank_tasks, freight_tasks, hospital_tasks, telecom_tasks
from tests.gate_corpus.tuned.bank_world import bank
from tests.gate_corpus.tuned.freight_world import freight
from tests.gate_corpus.tuned.hospital_world import PATIENTS, WORLD, hospital
from tests.gate_corpus.tuned.telecom_world import telecom
from tests.gate_corpus.writing import INTEGER, NUMBER, TEXT, bad, object_of, tool

_ANY_OBJECT: JsonObject = {"type": "object"}
_accounts = with_tasks(bank, bank_tasks.single_hop)
_advisers = with_tasks(bank, bank_tasks.multi_hop)
_addresses = with_tasks(bank, bank_tasks.new_addresses)
_seals = with_tasks(freight, freight_tasks.seals)
_gates = with_tasks(freight, freight_tasks.gates)
_insurance = with_tasks(hospital, hospital_tasks.insurance)
_pagers = with_tasks(hospital, hospital_tasks.pagers)
_moves = with_tasks(hospital, hospital_tasks.moves)
_holders = with_tasks(telecom, telecom_tasks.holders)
_usage = with_tasks(telecom, telecom_tasks.usage)


def takes(draft: Draft, name: str, properties: JsonObject) -> Draft:
    """Return the draft with another input schema told of a tool."""
    schema = object_of(properties, all_required=False)
    return draft.spec(name, lambda spec: spec.model_copy(update={"input_schema": schema}))


def manifest_tool(name: str, change: Callable[[JsonObject], None]) -> Callable[[JsonObject], None]:
    """Return what changes one tool of a manifest on disk."""

    def patch(manifest: JsonObject) -> None:
        tools = manifest["tools"]
        assert isinstance(tools, list)
        for one in tools:
            if isinstance(one, dict) and one["name"] == name:
                change(one)

    return patch


def argument_named_otherwise() -> Draft:
    return takes(_seals(), "get_truck", {"licence_plate": TEXT})


def argument_not_required() -> Draft:
    whole = object_of({"number": TEXT, "first": TEXT, "last": TEXT})
    schema: JsonObject = {**whole, "required": list[Json](["number", "first"])}
    return _holders().spec(
        "usage_total", lambda spec: spec.model_copy(update={"input_schema": schema})
    )


def argument_of_other_type() -> Draft:
    """The schema asks for a text, the code adds to a number."""
    draft = _usage().code(
        "def get_holder(world, *, holder_id):",
        "def get_holder(world, *, holder_id: int):",
    )
    return takes(draft, "get_holder", {"holder_id": TEXT})


def input_root_open() -> Draft:
    def change(one: JsonObject) -> None:
        one["input_schema"] = {"type": "array", "items": {"type": "string"}}

    return replace(_insurance(), manifest=manifest_tool("get_ward", change))


def reserved_name() -> Draft:
    def change(one: JsonObject) -> None:
        one["name"] = "verify"

    code = "def verify(world, *, ward_id):\n    return get_ward(world, ward_id=ward_id)"
    return replace(_insurance().more_code(code), manifest=manifest_tool("get_ward", change))


def list_result() -> Draft:
    """A tool returns its rows as they are, without an object around them."""
    return _gates().code('return {"rows": rows, "total": total, "limit": limit}', "return rows")


def unsafe_import() -> Draft:
    return (
        _seals()
        .code(
            '"""Tools of a carrier."""\n',
            '"""Tools of a carrier."""\n\nimport os\nimport subprocess\n',
        )
        .code(
            "    truck = get_truck(world, plate=plate)\n",
            "    truck = get_truck(world, plate=plate)\n    os.getpid()\n",
        )
    )


def wall_clock() -> Draft:
    draft = _insurance().code(
        '"""Tools of a hospital."""\n', '"""Tools of a hospital."""\n\nimport time\n'
    )
    fields = {"ward_id": TEXT, "desk_phone": TEXT, "asked_at": NUMBER}
    return draft.code(
        'return {"ward_id": ward_id, **_entry(world, "wards", ward_id)}',
        'ward = _entry(world, "wards", ward_id)\n'
        '    return {"ward_id": ward_id, **ward, "asked_at": time.time_ns() // 1000}',
    ).spec(
        "get_ward", lambda spec: spec.model_copy(update={"output_schema": object_of({**fields})})
    )


def set_of_objects() -> Draft:
    """Doctors are made into objects, and the first one of a set of them is taken."""
    return (
        _pagers()
        .code(
            'return {"doctor_id": doctor_id, **_entry(world, "doctors", doctor_id)}',
            'known = {Doctor(key) for key in world["doctors"] if key[:3] == doctor_id[:3]}\n'
            '    _entry(world, "doctors", doctor_id)\n'
            "    on_call = [one.key for one in known]\n"
            '    doctor = world["doctors"][doctor_id]\n'
            '    return {"doctor_id": doctor_id, **doctor, "on_call": on_call[0]}',
        )
        .more_code("class Doctor:\n    def __init__(self, key):\n        self.key = key")
        .spec("get_doctor", _with_output("on_call"))
    )


def identity_of_object() -> Draft:
    """An entry is numbered by where it lies in memory."""
    return (
        _pagers()
        .code(
            'return {"doctor_id": doctor_id, **_entry(world, "doctors", doctor_id)}',
            'doctor = _entry(world, "doctors", doctor_id)\n'
            '    return {"doctor_id": doctor_id, **doctor, "entry": f"E{id(doctor)}"}',
        )
        .spec("get_doctor", _with_output("entry"))
    )


def _with_output(name: str) -> Callable[[ToolSpec], ToolSpec]:
    fields = {"doctor_id": TEXT, "name": TEXT, "pager": TEXT, "ward_id": TEXT, name: TEXT}
    return lambda spec: spec.model_copy(update={"output_schema": object_of({**fields})})


def shared_module_state() -> Draft:
    """The address written last is remembered in the module and shown to whoever asks next."""
    return (
        _addresses()
        .code('"""Tools of a bank."""\n', '"""Tools of a bank."""\n\n_latest = {}\n')
        .code(
            '    before = _one(world, "customers", "customer_no", customer_no)\n',
            '    before = _one(world, "customers", "customer_no", customer_no)\n'
            '    _latest["email"] = email\n',
        )
        .code(
            'return _one(world, "customers", "customer_no", customer_no)\n\n\ndef get_account',
            'found = _one(world, "customers", "customer_no", customer_no)\n'
            '    return {**found, "email": _latest.get("email", found["email"])}\n\n\n'
            "def get_account",
        )
    )


def not_undone() -> Draft:
    """A refused move is noted in the module, and the note outlives the call that is undone."""
    return (
        _moves()
        .code('"""Tools of a hospital."""\n', '"""Tools of a hospital."""\n\n_moved = {}\n')
        .code(
            "    if len(starts) != 16",
            "    _moved[code] = starts\n    if len(starts) != 16",
        )
        .code(
            'return {"code": code, **_entry(world, "appointments", code)}',
            'appointment = _entry(world, "appointments", code)\n'
            '    starts = _moved.get(code, appointment["starts"])\n'
            '    return {"code": code, **appointment, "starts": starts}',
        )
    )


def told_by_enum() -> Draft:
    """The enum of an argument lists the accounts of the tasks and no others."""
    draft = _advisers()
    gold = [str(task.sub_questions[0].answer.value) for task in draft.tasks]
    members = list[Json](gold)
    return takes(draft, "get_account", {"iban": {"type": "string", "enum": members}})


def told_by_example() -> Draft:
    number = PATIENTS[166][1]["insurance_no"]

    def change(spec: ToolSpec) -> ToolSpec:
        output = spec.output_schema
        properties = output["properties"]
        assert isinstance(properties, dict)
        told = {**properties, "insurance_no": {"type": "string", "examples": list[Json]([number])}}
        return spec.model_copy(update={"output_schema": {**output, "properties": told}})

    return _insurance().spec("get_patient", change)


def merged_tool() -> Draft:
    """One tool was merged from several, and returns the answers to all questions each time."""
    whole = _insurance()
    keys = [str(task.sub_questions[0].arguments["patient_no"]) for task in whole.tasks]
    answers = {key: WORLD["patients"][key]["insurance_no"] for key in keys}
    fields = {"patient_no": TEXT, "insurance_no": TEXT, "all": _ANY_OBJECT}
    draft = whole.code(
        'return {"patient_no": patient_no, **_entry(world, "patients", patient_no)}',
        f"answers = {answers!r}\n"
        '    entry = _entry(world, "patients", patient_no)\n'
        '    return {"patient_no": patient_no, "insurance_no": entry["insurance_no"],\n'
        '            "all": answers}',
    )
    return draft.spec(
        "get_patient", lambda spec: spec.model_copy(update={"output_schema": object_of({**fields})})
    )


def large_page() -> Draft:
    """A list without filters shows four hundred customers on its first page."""
    limit: JsonObject = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 400}
    row = object_of({"customer_no": INTEGER, "email": TEXT})
    spec = tool(
        "list_customers",
        "List customers by number.",
        {"limit": limit},
        {"rows": {"type": "array", "items": row}},
    )
    code = """
def list_customers(world, *, limit=400):
    \"\"\"Return customers by number.\"\"\"
    sql = "SELECT customer_no, email FROM customers ORDER BY customer_no LIMIT ?"
    return {"rows": _rows(world, sql, [limit])}
"""
    return with_tasks(bank, bank_tasks.parallel_multi_hop)().more_tools(spec, code=code)


def format_injection() -> Draft:
    """A greeting is formatted with the whole world at hand."""
    spec = tool(
        "greeting",
        "Write a greeting; {name} stands for the holder's name.",
        {"holder_id": INTEGER, "template": TEXT},
        {"text": TEXT},
    )
    code = '''
def greeting(world, *, holder_id, template):
    """Return a greeting."""
    holder = world.entry("holders", str(holder_id))
    return {"text": template.format(name=holder["name"], company=world)}
'''
    return _holders().more_tools(spec, code=code)


def path_traversal() -> Draft:
    """Documents are found by a path, which may climb out of the folder that it begins in."""
    spec = tool(
        "read_entry",
        "Read an entry of the usage folder, such as NUMBER/2024-05.",
        {"path": TEXT},
        {"path": TEXT, "entry": TEXT},
    )
    code = '''
def read_entry(world, *, path):
    """Return an entry of the usage folder."""
    parts = ["usage"]
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part:
            parts.append(part)
    found = world.data
    for part in parts:
        if not isinstance(found, dict) or part not in found:
            raise LookupError(f"there is no entry {path!r}")
        found = found[part]
    return {"path": path, "entry": str(found)[:2000]}
'''
    return _holders().more_tools(spec, code=code)


def breaks_on_valid_input() -> Draft:
    """A number that is not there is a missing key, and not a refusal."""
    return _usage().code(
        "    found = self.data[section].get(key)\n"
        "        if found is None:\n"
        '            raise LookupError(f"nothing in {section} is called {key!r}")\n'
        "        return found",
        "    return self.data[section][key]",
    )


CASES: tuple[Case, ...] = (
    bad(
        "argument-name",
        "schema",
        "input schema and signature differ: name",
        argument_named_otherwise,
    ),
    bad(
        "argument-required",
        "schema",
        "input schema and signature differ: required",
        argument_not_required,
    ),
    bad(
        "argument-type", "schema", "input schema and signature differ: type", argument_of_other_type
    ),
    bad("input-root-open", "schema", "schema root is no object", input_root_open),
    bad("reserved-name", "schema", "reserved tool name", reserved_name),
    bad("list-result", "schema", "output not a JSON object", list_result),
    bad("unsafe-import", "static", "unsafe import", unsafe_import),
    bad("wall-clock", "static", "non-deterministic tool: clock", wall_clock),
    bad(
        "set-of-objects",
        "static",
        "non-deterministic tool: order of a set of objects",
        set_of_objects,
    ),
    bad("identity-of-object", "static", "non-deterministic tool: id()", identity_of_object),
    bad("shared-module-state", "isolation", "state leaking between sessions", shared_module_state),
    bad("not-undone", "isolation", "state not undone", not_undone),
    bad("answer-in-enum", "leak", "answer in an enum", told_by_enum),
    bad("answer-in-example", "leak", "answer in an example", told_by_example),
    bad("merged-tool", "leak", "merged tool that returns every answer", merged_tool),
    bad("large-page", "leak", "default page too large", large_page),
    bad("format-injection", "exploit", "format-string injection", format_injection),
    bad("path-traversal", "exploit", "path traversal", path_traversal),
    bad(
        "breaks-on-valid-input",
        "sensitivity",
        "tool that breaks on valid input",
        breaks_on_valid_input,
    ),
)
