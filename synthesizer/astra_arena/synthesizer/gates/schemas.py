"""The schema gate: what tools declare is what their code takes and gives.

Schemas are compared with the signatures in the source, and with every reply that gold and a survey
of valid calls bring.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from astra_arena.core.canonical import Json, JsonObject, same_json
from astra_arena.core.environment import ToolSpec
from astra_arena.core.schema import Checker
from astra_arena.sandbox.contract import Broke, Failed, Succeeded
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.gates.gate import Exam, Finding, GateResult, decided
from astra_arena.synthesizer.gates.signatures import NotLiteral, Parameter, Signature, Signatures
from astra_arena.synthesizer.gates.survey import SurveyedCall, survey
from astra_arena.synthesizer.gates.tool_schemas import allows_null, enumerated, types_of

_LEAST_WORDS = 2
_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")
"""Chinese is written without spaces; a character of it says as much as a word."""


class SchemaGate:
    """Schemas and signatures agree, and replies keep to their schemas."""

    name = "schema"

    async def check(self, exam: Exam) -> GateResult:
        """Compare declarations with code and replies; see `Gate.check`."""
        findings = list(declared_findings(exam.bundle))
        calls = await survey(exam.bundle, exam.sandbox, seed=exam.seed)
        findings += _reply_findings(exam.bundle, calls)
        played = await exam.player().play_all(exam.gold_programmes())
        broken = {
            (call.tool, call.defect)
            for one in played
            for call in one.record.calls
            if call.outcome == "environment_error" and (call.defect or "").startswith("bad_result")
        }
        findings += [
            Finding(
                problem=f"a gold reply breaks the output schema: {defect}",
                kind="reply breaks its schema",
                tool=tool,
            )
            for tool, defect in sorted(broken, key=str)
        ]
        return decided(self.name, findings, _figures(exam.bundle, calls, len(played)))


def declared_findings(bundle: Bundle) -> Iterator[Finding]:
    """Give what is wrong with the tools as they are declared."""
    try:
        tree = ast.parse(bundle.tools_py)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield Finding(problem=f"tools.py cannot be parsed: {error}", kind="code does not parse")
        return
    signatures = Signatures(tree)
    for tool in bundle.environment.tools:
        for kind, problem in tool_problems(tool, signatures):
            yield Finding(problem=f"{tool.name}: {problem}", kind=kind, tool=tool.name)


def tool_problems(tool: ToolSpec, signatures: Signatures) -> Iterator[tuple[str, str]]:
    """Give kind and problem of everything in which a tool's document differs from its code."""
    words = _WORD.findall(tool.description)
    if len(words) < _LEAST_WORDS or tool.description.strip().casefold() == tool.name.casefold():
        yield "no description", f"expected a description, got {tool.description!r}"
    definitions = signatures.definitions(tool.name)
    if not definitions:
        yield "no function", "tools.py has no top-level function of this name"
        return
    if len(definitions) > 1:
        lines = ", ".join(str(one.lineno) for one in definitions)
        yield "function defined twice", f"tools.py defines it more than once, in lines {lines}"
    yield from _signature_problems(tool, signatures.signature(definitions[-1]))


def _signature_problems(tool: ToolSpec, signature: Signature) -> Iterator[tuple[str, str]]:
    kind = "schema differs from signature"
    properties = _properties(tool)
    if not signature.takes_world:
        yield kind, "the function takes no world as its first parameter"
    code = {parameter.name: parameter for parameter in signature.parameters}
    for name in sorted(properties.keys() - code.keys()):
        if not signature.takes_any:
            yield kind, f"the schema has an argument {name!r} that the function does not take"
    for name in sorted(code.keys() - properties.keys()):
        yield kind, f"the function takes {name!r}, which the schema does not have"
    if tool.input_schema.get("additionalProperties") is not False and not signature.takes_any:
        yield kind, "the schema admits further arguments, which the function does not take"
    for name in sorted(code.keys() & properties.keys()):
        rule = properties[name]
        schema: JsonObject = rule if isinstance(rule, dict) else {}
        for problem in _parameter_problems(tool, schema, code[name]):
            yield kind, f"argument {name!r}: {problem}"


def _parameter_problems(tool: ToolSpec, schema: JsonObject, code: Parameter) -> Iterator[str]:
    required = tool.input_schema.get("required")
    needed = isinstance(required, list) and code.name in required
    if needed != code.required:
        says = "requires it" if needed else "does not require it"
        yield f"the schema {says}, the function {'does' if code.required else 'does not'}"
    yield from _default_problems(tool, schema, code)
    if code.annotation is None:
        return
    declared = types_of(schema, tool.input_schema)
    if declared is None:
        return
    yield from _type_problems(declared, code.annotation.types)
    values = code.annotation.values
    if values is not None:
        yield from _enum_problems(schema, values)


def _type_problems(declared: frozenset[str], admitted: frozenset[str]) -> Iterator[str]:
    """Compare JSON types: where the code takes any number, integers alone may be declared."""
    any_number = "number" in admitted
    foreign = sorted(declared - admitted - ({"integer"} if any_number else set[str]()))
    met = declared | ({"number"} if any_number and "integer" in declared else set[str]())
    missing = sorted(admitted - met - {"null"})
    takes, admits = ", ".join(sorted(admitted)), ", ".join(sorted(declared))
    if foreign:
        yield f"the schema admits {', '.join(foreign)}, the code takes {takes}"
    elif missing:
        yield f"the code takes {', '.join(missing)}, the schema admits {admits}"


def _default_problems(tool: ToolSpec, schema: JsonObject, code: Parameter) -> Iterator[str]:
    if "default" in schema:
        rule: JsonObject = {**schema, "$defs": tool.input_schema.get("$defs", {})}
        broken = Checker(rule).finding(schema["default"])
        if broken is not None:
            yield f"its own schema refuses the default: {broken}"
    if code.required:
        return
    if isinstance(code.default, NotLiteral):
        yield "the default in the code is not written out"
    elif "default" not in schema:
        if code.default is not None or allows_null(schema, tool.input_schema):
            yield f"the code's default is {code.default!r}, the schema states none"
    elif not same_json(schema["default"], code.default):
        yield f"the code's default is {code.default!r}, the schema's {schema['default']!r}"


def _enum_problems(schema: JsonObject, values: tuple[Json, ...]) -> Iterator[str]:
    listed = enumerated(schema)
    if listed is None:
        yield f"the code takes one of {len(values)} values, the schema lists none"
        return
    for value in listed:
        if not any(same_json(value, other) for other in values):
            yield f"the schema lists {value!r}, which the code does not take"
    for value in values:
        if value is not None and not any(same_json(value, other) for other in listed):
            yield f"the code takes {value!r}, which the schema does not list"


def _reply_findings(bundle: Bundle, calls: tuple[SurveyedCall, ...]) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for call in calls:
        kind, problem = _reply_problem(bundle, call)
        # One example of each defect of a tool says it.
        if not problem or (call.tool, kind) in told:
            continue
        told.add((call.tool, kind))
        evidence: JsonObject = {"arguments": call.arguments}
        yield Finding(
            problem=f"{call.tool}: {problem}", kind=kind, tool=call.tool, evidence=evidence
        )


def _reply_problem(bundle: Bundle, call: SurveyedCall) -> tuple[str, str]:
    tool = bundle.environment.tool(call.tool)
    match call.execution:
        case Succeeded(result, trace):
            broken = None if tool is None else Checker(tool.output_schema).finding(result)
            if broken is not None:
                return "reply breaks its schema", f"a reply breaks the output schema: {broken}"
            if trace and tool is not None and tool.read_only:
                return "read-only tool writes", "it says that it only reads, and a call wrote"
        case Broke(kind, detail):
            return "tool breaks", f"valid arguments broke it: {kind}: {detail}"
        case Failed():
            pass
    return "", ""


def _properties(tool: ToolSpec) -> JsonObject:
    properties = tool.input_schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _figures(bundle: Bundle, calls: tuple[SurveyedCall, ...], gold: int) -> JsonObject:
    replied = Counter(call.tool for call in calls if isinstance(call.execution, Succeeded))
    properties = [rule for tool in bundle.environment.tools for rule in _properties(tool).values()]
    described = [rule for rule in properties if isinstance(rule, dict) and rule.get("description")]
    silent = [tool.name for tool in bundle.environment.tools if tool.name not in replied]
    return {
        "tools": len(bundle.environment.tools),
        "arguments": len(properties),
        "arguments_described": len(described),
        "surveyed_calls": len(calls),
        "surveyed_replies": replied.total(),
        "tools_without_a_reply": list[Json](silent),
        "gold_programs": gold,
    }
