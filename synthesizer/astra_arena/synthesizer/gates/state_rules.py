"""Finds where tool code remembers, or lets chance order things: module state, caches, sets."""

import ast
from collections.abc import Iterator

from astra_arena.synthesizer.gates.code_rules import Flaw

STATE = "mutable module state"
ORDER = "iteration over an unordered set"

_MUTATORS = frozenset(
    {
        "__setitem__",
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    }
)
_STEPPING = frozenset({"Random", "count", "cycle", "iter"})
"""Calls whose results move on when used; of those at module level every later use depends."""
_CACHES = frozenset({"cache", "cached_property", "lru_cache"})
_UNORDERED_TAKERS = frozenset(
    {"all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum"}
)
"""What takes elements in any order and gives the same."""
_SET_METHODS = frozenset({"difference", "intersection", "symmetric_difference", "union"})


def state_flaws(tree: ast.Module) -> Iterator[Flaw]:
    """Give where a call may leave something in the module for the next one."""
    names = _module_names(tree)
    for node in tree.body:
        yield from _stepping(node)
    for function in _functions(tree):
        yield from _memories(function)
        yield from _mutations(function, names - _own_names(function))


def order_flaws(tree: ast.Module) -> Iterator[Flaw]:
    """Give where the order of a set decides what happens."""
    module_sets = _set_names(tree.body)
    scopes: list[tuple[list[ast.stmt], set[str]]] = [(tree.body, module_sets)]
    for function in _functions(tree):
        hidden = _own_names(function)
        scopes.append((function.body, (module_sets - hidden) | _set_names(function.body)))
    told: set[int] = set()
    for body, sets in scopes:
        for statement in body:
            for line in _ordered_uses(statement, sets):
                if line not in told:
                    told.add(line)
                    yield Flaw(line, ORDER, "the order of a set is arbitrary; sort it first")


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _module_names(tree: ast.Module) -> set[str]:
    """Return the names that the module itself binds: what functions share."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                names |= {one.id for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case _:
                pass
    return names


def _own_names(function: ast.FunctionDef) -> set[str]:
    """Return the names that are a function's own: parameters, and what it binds."""
    taken = function.args
    arguments = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    names = {one.arg for one in arguments if one is not None}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _stepping(node: ast.stmt) -> Iterator[Flaw]:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if isinstance(value, ast.GeneratorExp):
        yield Flaw(value.lineno, STATE, "a generator of the module moves on with every use")
    if isinstance(value, ast.Call) and _called(value) in _STEPPING:
        problem = f"{_called(value)}() at module level moves on with every use"
        yield Flaw(value.lineno, STATE, problem)


def _memories(function: ast.FunctionDef) -> Iterator[Flaw]:
    for decorator in function.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
        if name in _CACHES:
            problem = f"{function.name!r} is cached: it remembers earlier calls"
            yield Flaw(function.lineno, STATE, problem)
    for default in [*function.args.defaults, *function.args.kw_defaults]:
        if isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp) or (
            isinstance(default, ast.Call) and _called(default) in ("dict", "list", "set")
        ):
            problem = f"a default of {function.name!r} is mutable and shared by all calls"
            yield Flaw(default.lineno, STATE, problem)


def _mutations(function: ast.FunctionDef, shared: set[str]) -> Iterator[Flaw]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                changed = name if method in _MUTATORS else ""
            case ast.Call(func=ast.Name(id="next"), args=[ast.Name(id=name), *_]):
                changed = name
            case ast.Assign(targets=targets):
                changed = _rooted(targets, shared)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                changed = _rooted([target], shared)
            case ast.Delete(targets=targets):
                changed = _rooted(targets, shared)
            case _:
                continue
        if changed in shared:
            problem = f"{function.name!r} changes {changed!r}, which all calls share"
            yield Flaw(node.lineno, STATE, problem)


def _rooted(targets: list[ast.expr], shared: set[str]) -> str:
    """Return the shared name inside which one of the targets lies."""
    for target in targets:
        inner: ast.expr = target
        while isinstance(inner, ast.Subscript | ast.Attribute):
            inner = inner.value
        if inner is not target and isinstance(inner, ast.Name) and inner.id in shared:
            return inner.id
    return ""


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _set_names(body: list[ast.stmt]) -> set[str]:
    """Return names that are bound to sets and to nothing else, as far as can be read."""
    bound: dict[str, bool] = {}
    for statement in body:
        for node in ast.walk(statement):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    bound[name] = bound.get(name, True) and _is_set(value, set())
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    bound[name] = bound.get(name, True) and _is_set(value, set())
                case _:
                    pass
    return {name for name, is_set in bound.items() if is_set}


def _is_set(node: ast.expr, sets: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in sets
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr=method)):
            return method in _SET_METHODS and _is_set(inner, sets)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(node.left, sets) or _is_set(node.right, sets)
        case _:
            return False


def _ordered_uses(statement: ast.stmt, sets: set[str]) -> Iterator[int]:
    exempt: set[ast.AST] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and _called(node) in _UNORDERED_TAKERS:
            # A comprehension inside is taken in any order, too.
            exempt.update(node.args)
        match node:
            case ast.For(iter=source):
                found = _is_set(source, sets)
            case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
                found = node not in exempt and any(_is_set(g.iter, sets) for g in node.generators)
            case ast.Call(func=ast.Name(id="list" | "tuple" | "enumerate" | "iter" | "next")):
                found = node not in exempt and any(_is_set(one, sets) for one in node.args)
            case ast.Call(func=ast.Attribute(attr="join" | "extend"), args=[one, *_]):
                found = _is_set(one, sets)
            case ast.Call(func=ast.Attribute(value=inner, attr="pop"), args=[]):
                found = _is_set(inner, sets)
            case ast.Starred(value=inner):
                found = _is_set(inner, sets)
            case _:
                found = False
        if found:
            yield getattr(node, "lineno", statement.lineno)
