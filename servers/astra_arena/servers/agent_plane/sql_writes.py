"""Which SQL a tool may run, read off its code without running it.

Texts are followed from where they are written to where they are executed: through variables,
f-strings and the functions that the tool calls. Where the way is lost, nothing is claimed.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

HOLE = "\0"
"""Stands in a text for what is only known when the tool runs."""

_EXECUTES = frozenset(("execute", "executemany"))
_OPAQUE = frozenset(("eval", "exec", "getattr", "setattr", "globals", "vars", "executescript"))


class ToolCode:
    """The functions of a `tools.py`.

    Raises:
        SyntaxError, ValueError, RecursionError: if it is no Python.
    """

    def __init__(self, tools_py: bytes) -> None:
        body = ast.parse(tools_py).body
        self._functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
        self._globals = _assigned(body)
        self._passed = self._sql_parameters()

    def statements(self, tool: str) -> list[str] | None:
        """Return all SQL that a tool may run; `None` if that cannot be told."""
        found: list[str] = []
        for name in self._reached(tool):
            function = self._functions[name]
            if _is_opaque(function):
                return None
            for sql in self._executed(function):
                texts = self._texts(sql, function, passes=name != tool)
                if texts is None:
                    return None
                found += texts
        return found

    def _reached(self, tool: str) -> Sequence[str]:
        """Return the functions that a tool calls or passes on, directly or not, and itself."""
        reached: dict[str, None] = {}
        frontier = [tool] if tool in self._functions else []
        while frontier:
            name = frontier.pop()
            if name not in reached:
                reached[name] = None
                named = (n.id for n in ast.walk(self._functions[name]) if isinstance(n, ast.Name))
                frontier += [one for one in named if one in self._functions]
        return tuple(reached)

    def _executed(self, function: ast.FunctionDef) -> Iterator[ast.expr | None]:
        """Yield what a function runs as SQL, or passes to functions that do."""
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Attribute) and node.func.attr in _EXECUTES:
                yield node.args[0] if node.args else None
            elif isinstance(node.func, ast.Name):
                for parameter in self._passed.get(node.func.id, ()):
                    yield _argument(node, self._functions[node.func.id], parameter)

    def _sql_parameters(self) -> Mapping[str, set[str]]:
        """Return the parameters that functions run as SQL, or pass to functions that do."""
        self._passed: Mapping[str, set[str]] = {name: set[str]() for name in self._functions}
        grown = True
        while grown:
            grown = False
            for name, function in self._functions.items():
                given = set(_parameters(function))
                used = {sql.id for sql in self._executed(function) if isinstance(sql, ast.Name)}
                new = (used & given) - self._passed[name]
                self._passed[name].update(new)
                grown = grown or bool(new)
        return self._passed

    def _texts(
        self, sql: ast.expr | None, function: ast.FunctionDef, *, passes: bool
    ) -> list[str] | None:
        """Return the texts that an expression may be; `None` if that cannot be told.

        Args:
            sql: The expression.
            function: Where it stands.
            passes: Whether whoever calls the function was looked at, too; not for a tool, whose
                arguments come from the agent.
        """
        match sql:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=pieces):
                return ["".join(_piece(piece) for piece in pieces)]
            case ast.BinOp(left=left, op=ast.Add()):
                texts = self._texts(left, function, passes=passes)
                return None if texts is None else [text + HOLE for text in texts]
            case ast.IfExp(body=one, orelse=other):
                return self._all((one, other), function, passes=passes)
            case ast.Name(id=name) if name in _parameters(function):
                return [] if passes else None
            case ast.Name(id=name):
                values = _assigned(function.body).get(name) or self._globals.get(name)
                return None if values is None else self._all(values, function, passes=passes)
            case _:
                return None

    def _all(
        self, several: Sequence[ast.expr | None], function: ast.FunctionDef, *, passes: bool
    ) -> list[str] | None:
        found: list[str] = []
        for one in several:
            # A variable that is made of itself would be followed for ever.
            texts = None if isinstance(one, ast.Name) else self._texts(one, function, passes=passes)
            if texts is None:
                return None
            found += texts
        return found


def _piece(piece: ast.expr) -> str:
    return str(piece.value) if isinstance(piece, ast.Constant) else HOLE


def _is_opaque(function: ast.FunctionDef) -> bool:
    """Tell whether a function does what cannot be followed."""
    return any(
        (isinstance(node, ast.Name) and node.id in _OPAQUE)
        or (isinstance(node, ast.Attribute) and node.attr in _OPAQUE)
        for node in ast.walk(function)
    )


def _parameters(function: ast.FunctionDef) -> Sequence[str]:
    given = function.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def _argument(call: ast.Call, function: ast.FunctionDef, parameter: str) -> ast.expr | None:
    """Return what a call gives for a parameter; `None` if that cannot be told."""
    for keyword in call.keywords:
        if keyword.arg == parameter:
            return keyword.value
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args)]
    place = names.index(parameter) if parameter in names else len(call.args)
    before = call.args[: place + 1]
    starred = any(isinstance(one, ast.Starred) for one in before)
    return None if starred or place >= len(call.args) else call.args[place]


def _assigned(body: Sequence[ast.stmt]) -> Mapping[str, list[ast.expr | None]]:
    """Return what each variable is set to; `None` among it where that is not one expression."""
    found: dict[str, list[ast.expr | None]] = {}
    stores: Counter[str] = Counter()
    for node in (inner for statement in body for inner in ast.walk(statement)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                found.setdefault(name, []).append(value)
            case ast.Name(id=name, ctx=ast.Store()):
                stores[name] += 1
            case _:
                pass
    for name, times in stores.items():
        values = found.setdefault(name, [])
        if len(values) != times:
            # Also set in another way: by a loop, by `+=`, together with others.
            values.append(None)
    return found
