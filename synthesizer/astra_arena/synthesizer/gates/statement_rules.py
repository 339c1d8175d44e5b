"""Finds SQL in tool code whose rows come in an order that nobody stated."""

import ast
import re
from collections.abc import Iterator

from astra_arena.synthesizer.gates.code_rules import Flaw

KIND = "rows without an order"

_SELECT = re.compile(r"\s*(?:with\b.*?\)\s*)?select\b", re.IGNORECASE | re.DOTALL)
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)
_LIMITED = re.compile(r"\blimit\b", re.IGNORECASE)
_GROUPED = re.compile(r"\b(group\s+by|union|intersect|except)\b", re.IGNORECASE)
_AGGREGATE = re.compile(r"\s*(count|sum|avg|min|max|total|exists)\s*\(", re.IGNORECASE)
_LIST = re.compile(r"select\s+(?:distinct\s+)?(.*?)\bfrom\b", re.IGNORECASE | re.DOTALL)
_UNKNOWN = "\0"
"""Stands for what an f-string or a concatenation puts in."""
_ANY_ORDER = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum"})


def statement_flaws(tree: ast.Module) -> Iterator[Flaw]:
    """Give queries whose rows are listed, or cut, without ORDER BY. Best effort."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            yield from _in_function(function)


def _in_function(function: ast.FunctionDef) -> Iterator[Flaw]:
    texts = _texts(function)
    parents = {child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr="execute"), args=[argument, *_]):
                query = _text(argument, texts)
            case _:
                continue
        if query is None or not _SELECT.match(query) or not _lists_rows(query):
            continue
        if _is_cut(query) or _is_listed(node, parents, function):
            yield Flaw(node.lineno, KIND, "rows are listed without ORDER BY")


def _texts(function: ast.FunctionDef) -> dict[str, str | None]:
    """Return the SQL that names of a function stand for; `None` for those bound more than once."""
    texts: dict[str, str | None] = {}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                texts[name] = None if name in texts else _text(value, {})
            case ast.AugAssign(target=ast.Name(id=name)):
                texts[name] = None
            case _:
                pass
    return texts


def _text(node: ast.expr, texts: dict[str, str | None]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return texts.get(name)
        case ast.JoinedStr(values=values):
            parts = [one.value if isinstance(one, ast.Constant) else _UNKNOWN for one in values]
            return "".join(str(part) for part in parts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            start = _text(left, texts)
            return None if start is None else start + (_text(right, texts) or _UNKNOWN)
        case _:
            return None


def _lists_rows(query: str) -> bool:
    """Tell whether a query may give several rows in an order that it does not state."""
    if _ORDERED.search(query):
        return False
    found = _LIST.search(query)
    if found is None:
        return False
    chosen, rest = found[1], query[found.end() :]
    # What is put in after FROM may be the ORDER BY.
    if _UNKNOWN in rest and not _GROUPED.search(rest) and rest.rstrip().endswith(_UNKNOWN):
        return False
    return not (_AGGREGATE.match(chosen) and not _GROUPED.search(query))


def _is_cut(query: str) -> bool:
    return _LIMITED.search(query) is not None


def _is_listed(call: ast.Call, parents: dict[ast.AST, ast.AST], function: ast.FunctionDef) -> bool:
    """Tell whether the rows of a query are taken one after another, in their order."""
    parent = parents.get(call)
    match parent:
        case ast.Attribute(attr="fetchall" | "fetchmany"):
            return not _any_order(parents.get(parent), parents)
        case ast.Assign(targets=[ast.Name(id=name)]):
            return any(_takes(node, name, parents) for node in ast.walk(function))
        case _:
            return _consumes(parent, call, parents)


def _takes(node: ast.AST, name: str, parents: dict[ast.AST, ast.AST]) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id=found), attr="fetchall" | "fetchmany"):
            return found == name and not _any_order(parents.get(node), parents)
        case ast.Name(id=found, ctx=ast.Load()):
            return found == name and _consumes(parents.get(node), node, parents)
        case _:
            return False


def _consumes(parent: ast.AST | None, node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    match parent:
        case ast.For(iter=source):
            return source is node
        case ast.comprehension(iter=source):
            holder = parents.get(parent)
            unordered = isinstance(holder, ast.SetComp) or _any_order(holder, parents)
            return source is node and not unordered
        case ast.Call(func=ast.Name(id="list" | "tuple")):
            return not _any_order(parent, parents)
        case _:
            return False


def _any_order(node: ast.AST | None, parents: dict[ast.AST, ast.AST]) -> bool:
    """Tell whether what a node gives goes straight to something that minds no order."""
    above = None if node is None else parents.get(node)
    if isinstance(above, ast.comprehension):
        holder = parents.get(above)
        return isinstance(holder, ast.SetComp) or _any_order(holder, parents)
    match above:
        case ast.Call(func=ast.Name(id=name)):
            return name in _ANY_ORDER
        case _:
            return False
