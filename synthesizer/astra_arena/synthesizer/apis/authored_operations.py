"""Operations that no rule covers, written by a model over the tables that the rules found.

The author sees the operation and the tables, never a row. What it writes is read by the rules of
the gates, then called with valid arguments in the sandbox; what goes wrong goes back to it, a
bounded number of times. Each operation stands for itself: one that cannot be written stays in the
list of what is not covered.
"""

import ast
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from astra_arena.client.authors.author import Author, AuthorRequest
from astra_arena.client.authors.prompts import PromptFolder
from astra_arena.core.canonical import JsonObject, pretty_text
from astra_arena.core.environment import ToolSpec
from astra_arena.core.errors import PolicyError, ReplyError
from astra_arena.core.model import Model
from astra_arena.core.schema import Checker
from astra_arena.sandbox.contract import Broke, Failed, Sandbox, Succeeded
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.servers.episodes.toolset import Accepted, Tool
from astra_arena.synthesizer.apis.action_matching import input_schema
from astra_arena.synthesizer.apis.api_environment import ApiEnvironment, AuthoredTool
from astra_arena.synthesizer.apis.operation import Operation, Uncovered
from astra_arena.synthesizer.gates.report_card import ReportCard
from astra_arena.synthesizer.gates.schemas import tool_problems
from astra_arena.synthesizer.gates.signatures import Signatures
from astra_arena.synthesizer.gates.static import static_findings
from astra_arena.synthesizer.gates.survey import SurveyedCall, survey
from astra_arena.synthesizer.side_by_side import side_by_side
from astra_arena.synthesizer.sources.table_info import quote_identifier

STAGE = "operations"
ATTEMPTS = 3
SURVEYED = 18
ROWS_TRIED = 6
"""Rows of each table of which the values are tried together."""
"""Calls with drawn arguments, by which it is seen whether a tool works."""
PROMPTS = PromptFolder("astra_arena.synthesizer.apis")
_EXAMPLE = 2_500
"""Characters of the tool that is shown as an example."""


class OperationCode(Model):
    """What a model makes of an operation."""

    possible: bool
    reason: str
    """Why not, where it is not."""
    code: str


@dataclass(frozen=True, slots=True)
class OperationAuthor:
    """Has operations written.

    Args:
        author: Writes them.
        sandbox: Runs them; stays the caller's.
        environment: With tables, rows and the tools that the rules gave.
        folder: Where drafts lie.
    """

    author: Author
    sandbox: Sandbox
    environment: ApiEnvironment
    folder: Path

    async def write(self) -> ApiEnvironment:
        """Return the environment with the operations that could be written.

        Raises:
            AuthorError: as `Author.ask`, but for `ReplyError`.
            SandboxUnavailableError: if the machinery broke.
        """
        wanted = [one for one in self.environment.unwritten if self._reason(one) is not None]
        came = await side_by_side(wanted, self._written)
        made = [one for one in came if isinstance(one, AuthoredTool)]
        refused = [one for one in came if isinstance(one, Uncovered)]
        return self.environment.with_authored(made, refused)

    def _reason(self, operation: Operation) -> str | None:
        for one in self.environment.uncovered:
            if one.where == operation.where and one.name == operation.name:
                # A double does just what another tool does; a second one would be no gain.
                return None if one.reason.startswith("it would do just what") else one.reason
        return None

    async def _written(self, operation: Operation) -> AuthoredTool | Uncovered:
        spec = spec_of(operation)
        findings: list[str] = []
        code = ""
        for attempt in range(1, ATTEMPTS + 1):
            part = "" if attempt == 1 else f"~{attempt}"
            try:
                authored = await self.author.ask(
                    self._request(operation, spec, part, code, findings)
                )
            except ReplyError as error:
                told = "; ".join(error.findings) or error.message
                return _uncovered(operation, f"no usable code came: {told}")
            reply = authored.value
            if not reply.possible:
                return _uncovered(operation, f"the model says: {reply.reason or 'no reason'}")
            code = reply.code
            tool = AuthoredTool(operation, spec, code, authored.provenance)
            findings = await self._tried(tool)
            if not findings:
                return tool
        return _uncovered(operation, f"its code does not work: {'; '.join(findings)}")

    def _request(
        self, operation: Operation, spec: ToolSpec, part: str, code: str, findings: Sequence[str]
    ) -> AuthorRequest[OperationCode]:
        def check(reply: OperationCode) -> list[str]:
            return list(code_findings(reply, spec)) if reply.possible else []

        told = ""
        if findings:
            listed = "\n".join(f"- {one}" for one in findings)
            told = f"You wrote:\n\n{code}\n\nWhen it was called, this was wrong:\n{listed}\n"
        return AuthorRequest(
            stage=STAGE,
            item=f"{self.environment.name}/{operation.name}",
            part=f"code{part}",
            result=OperationCode,
            prompt=PROMPTS.load("operation", "en").render(
                title=self.environment.document.title,
                operation=_told(operation, spec),
                tables=self.environment.schema_text(),
                example=self.environment.example_code()[:_EXAMPLE],
                findings=told,
            ),
            check=check,
        )

    async def _tried(self, tool: AuthoredTool) -> list[str]:
        """Call a tool with drawn arguments, beside all others; return what is wrong with it."""
        environment = self.environment.with_authored([tool], [])
        bundle = environment.write(self.folder / tool.spec.name, ())
        try:
            calls = await survey(
                bundle, self.sandbox, seed=environment.options.seed, rounds=SURVEYED
            )
            by_rows = await self._by_rows(bundle, tool)
        except PolicyError as error:
            return [f"the code was refused: {'; '.join(error.findings) or error.message}"]
        own = [call for call in calls if call.tool == tool.spec.name]
        return list(call_findings(tool.spec, [*own, *by_rows]))

    async def _by_rows(self, bundle: Bundle, tool: AuthoredTool) -> list[SurveyedCall]:
        """Call a tool with values that stand in one row: what has to fit together does there."""
        known = Tool(tool.spec)
        calls: list[SurveyedCall] = []
        session = await self.sandbox.open_session(bundle.program(), seed=1)
        try:
            for given in rows_as_arguments(self.environment.world, tool.spec):
                accepted = known.accept(given)
                if isinstance(accepted, Accepted):
                    came = await session.call(tool.spec.name, accepted.arguments)
                    calls.append(SurveyedCall(tool.spec.name, accepted.arguments, came))
                    if isinstance(came, Broke) and came.session_lost:
                        break
        finally:
            await session.close()
        return calls


def spec_of(operation: Operation) -> ToolSpec:
    """Return what agents are told of an operation: the document's own schemas."""
    nothing: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}
    reply: JsonObject = operation.reply or nothing
    if reply.get("type") != "object":
        reply = {
            "type": "object",
            "properties": {"result": reply},
            "required": ["result"],
            "additionalProperties": False,
        }
    return ToolSpec(
        name=operation.name,
        description=operation.description,
        input_schema=input_schema(operation.arguments),
        output_schema=reply,
        read_only=operation.method == "get",
    )


def rows_as_arguments(world: Path, spec: ToolSpec) -> Iterator[JsonObject]:
    """Give arguments out of rows whose columns are called like arguments."""
    properties = spec.input_schema.get("properties")
    names = set(properties) if isinstance(properties, dict) else set[str]()
    with closing(sqlite3.connect(f"file:{world}?mode=ro", uri=True)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (table,) in tables.fetchall():
            # The name comes from the database itself and is quoted.
            rows = db.execute(f"SELECT * FROM {quote_identifier(str(table))} LIMIT {ROWS_TRIED}")
            columns = [str(one[0]) for one in rows.description]
            shared = [name for name in columns if name in names]
            for row in rows if shared else ():
                held = dict(zip(columns, row, strict=True))
                yield {name: held[name] for name in shared if held[name] is not None}


def code_findings(reply: OperationCode, spec: ToolSpec) -> Iterator[str]:
    """Say what is wrong with code before it runs."""
    try:
        tree = ast.parse(reply.code)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield f"the code cannot be parsed: {error}"
        return
    kinds = Counter(type(node).__name__ for node in tree.body)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if functions != [spec.name] or set(kinds) - {"FunctionDef", "Import", "ImportFrom"}:
        yield f"expected imports and one function {spec.name} as code, and nothing else"
        return
    for finding in static_findings(tree):
        yield finding.problem
    for _, problem in tool_problems(spec, Signatures(tree)):
        yield problem


def call_findings(spec: ToolSpec, calls: Sequence[SurveyedCall]) -> Iterator[str]:
    """Say what is wrong with how a tool answers calls with valid arguments."""
    checker = Checker(spec.output_schema)
    worked = 0
    told: dict[str, None] = {}
    for call in calls:
        match call.execution:
            case Broke(kind, detail):
                told.setdefault(f"it breaks ({kind}): {' '.join(detail.split())[-300:]}")
            case Succeeded(result, trace):
                worked += 1
                finding = checker.finding(result)
                if finding is not None:
                    told.setdefault(f"its reply breaks the reply schema: {finding}")
                if trace and spec.read_only:
                    told.setdefault("it changes rows, and the operation only reads")
            case Failed():
                pass
    yield from list(told)[:4]
    if not worked and not told:
        refusals = [one.execution.message for one in calls if isinstance(one.execution, Failed)]
        shown = f"; it says {refusals[0]!r}" if refusals else ""
        yield f"none of {len(calls)} calls with values of the tables was accepted{shown}"


def _told(operation: Operation, spec: ToolSpec) -> str:
    data: JsonObject = {
        "name": operation.name,
        "method": operation.method,
        "path": operation.path,
        "description": operation.description,
        "arguments": spec.input_schema,
        "reply": spec.output_schema,
    }
    return pretty_text(data).strip()


def _uncovered(operation: Operation, reason: str) -> Uncovered:
    return Uncovered(operation.name, operation.where, reason)


def blamed(card: ReportCard, environment: ApiEnvironment) -> dict[str, str]:
    """Return the tools that a model wrote and on which the gates reject the environment."""
    written = {one.spec.name for one in environment.authored}
    found: dict[str, str] = {}
    for gate in card.gates:
        for finding in gate.findings:
            if finding.task is None and finding.tool in written:
                found.setdefault(finding.tool, f"{gate.gate}: {finding.problem}")
    return found
