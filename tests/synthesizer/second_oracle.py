# ruff: noqa: ANN401 - what JSON and SQL hold is of any type
"""A second oracle: gold answers recomputed by plain SQL straight from the source.

It shares nothing with the package: it reads the source by the standard library, takes tools by
their names alone, and writes SQL of its own. As a script it prints what disagrees:

    python tests/synthesizer/second_oracle.py SOURCE tasks.jsonl TABLE=ONE,MANY,KEY+KEY ...
"""

import csv
import gzip
import io
import json
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any, NamedTuple

CHANGES = ("create_", "update_", "set_", "cancel_", "remove_", "assign_", "move_", "transfer_")


class Shape(NamedTuple):
    """What tools call the rows of a table, and its key."""

    one: str
    many: str
    key: tuple[str, ...]


Shapes = dict[str, Shape]

FIGURES = {"minimum": "MIN", "maximum": "MAX", "mean": "AVG", "sum": "SUM"}


def open_source(source: Path) -> sqlite3.Connection:
    """Open an SQLite file as it is, or read a folder of CSV files into memory."""
    if source.is_file() and source.read_bytes()[:6] == b"SQLite":
        return sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
    connection = sqlite3.connect(":memory:")
    files = [source] if source.is_file() else sorted(source.glob("*.csv*"))
    for path in files:
        held = path.read_bytes()
        text = (gzip.decompress(held) if path.suffix == ".gz" else held).decode()
        rows = list(csv.reader(io.StringIO(text, newline="")))
        header, *body = rows
        table = path.name.split(".")[0]
        listed = ", ".join(f'"{name}"' for name in header)
        connection.execute(f'CREATE TABLE "{table}" ({listed})')
        typed = [column_values([row[place] for row in body]) for place in range(len(header))]
        places = ", ".join("?" for _ in header)
        connection.executemany(f'INSERT INTO "{table}" VALUES ({places})', zip(*typed, strict=True))
    return connection


def column_values(texts: list[str]) -> list[Any]:
    """Return a column's values: whole numbers, numbers or text; nothing for "" and NA."""
    filled = [text for text in texts if text not in ("", "NA")]
    for kind in (int, float, str):
        try:
            for text in filled:
                kind(text)
        except ValueError:
            continue
        return [kind(text) if text not in ("", "NA") else None for text in texts]
    raise AssertionError("text reads as text")


def field_of(column: str) -> str:
    """Return the name that tools give a column."""
    humped = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", humped.lower()).strip("_")


class Oracle:
    """Answers gold calls from the source."""

    def __init__(self, source: Path, shapes: Shapes) -> None:
        self.db = open_source(source)
        self.shapes = shapes
        self.columns: dict[str, dict[str, str]] = {}
        for table in shapes:
            names = [row[1] for row in self.db.execute(f'PRAGMA table_info("{table}")')]
            self.columns[table] = {field_of(name): name for name in names}

    def disagreements(self, task: dict[str, Any]) -> list[str]:
        """Return what of a task's gold is not what the source says."""
        answers: dict[str, Any] = {}
        found: list[str] = []
        pending = list(task["sub_questions"])
        while pending:
            question = next(q for q in pending if set(q.get("depends_on", ())) <= answers.keys())
            pending.remove(question)
            gold = question["answer"]["value"]
            if question["tool"] is not None and question["tool"].startswith(CHANGES):
                # What a change leaves is no longer what the source says.
                answers[question["id"]] = gold
                continue
            if question["tool"] is None:
                came = follows(question, answers)
            else:
                given: dict[str, Any] = {
                    name: answers[value["$from"]]
                    if isinstance(value, dict) and "$from" in value
                    else value
                    for name, value in question["arguments"].items()
                }
                path = question["answer"]["path"]
                proof = task.get("provenance", {}).get("proof", {})
                if "compared" in proof and proof["question"] == question["id"]:
                    came = self.outstanding(question["tool"], given, path, proof["compared"])
                else:
                    came = self.call(question["tool"], given, path)
            answers[question["id"]] = came
            if not same(gold, came, question["answer"].get("tolerance", 0.0)):
                found.append(f"{task['id']} {question['id']}: gold {gold!r}, the source {came!r}")
        return found

    def call(self, tool: str, arguments: dict[str, Any], path: str) -> Any:
        """Return what the source says to a call, at a path of its reply."""
        for table, shape in self.shapes.items():
            for verb, noun in (
                ("get", shape.one),
                ("find", shape.many),
                ("count", shape.many),
                ("summarise", shape.many),
                ("group", shape.many),
                ("count_days_of", shape.one),
            ):
                if tool == f"{verb}_{noun}":
                    return getattr(self, verb)(table, arguments, path.split("/")[1:])
        raise AssertionError(f"no table has the tool {tool!r}")

    def get(self, table: str, arguments: dict[str, Any], path: list[str]) -> Any:
        where, values = self.where(table, arguments)
        column = self.columns[table][path[-1]]
        found = self.db.execute(
            f'SELECT "{column}" FROM "{table}" WHERE {where}', values
        ).fetchall()
        assert len(found) == 1, (table, arguments, found)
        return found[0][0]

    def find(self, table: str, arguments: dict[str, Any], path: list[str]) -> Any:
        shape = self.shapes[table]
        rest = dict(arguments)
        by, order = rest.pop("sort_by", None), rest.pop("order", "ascending")
        limit, offset = rest.pop("limit", 5), rest.pop("offset", 0)
        where, values = self.where(table, rest)
        if path == ["total"]:
            return self.count(table, rest, path)
        keys = ", ".join(f'"{name}"' for name in shape.key)
        if by is not None:
            column = self.columns[table][by]
            way = "DESC" if order == "descending" else "ASC"
            keys = f'"{column}" IS NULL, "{column}" {way}, {keys}'
        asked = self.columns[table][path[2]]
        assert (path[1], offset) == ("0", 0)
        assert limit >= 1
        compared = f'"{self.columns[table][by]}"' if by is not None else "1"
        query = f'SELECT "{asked}", {compared} FROM "{table}" WHERE {where} ORDER BY {keys} LIMIT 2'
        rows = self.db.execute(query, values).fetchall()
        # One row alone may be meant: two that share the first place are no answer.
        return rows[0][0] if len(rows) == 1 or rows[0][1] != rows[1][1] else None

    def count_days_of(self, table: str, arguments: dict[str, Any], path: list[str]) -> Any:
        rest = dict(arguments)
        ends = [self.columns[table][rest.pop(name)] for name in ("end", "start")]
        where, values = self.where(table, rest)
        last, first = (f'julianday(substr("{end}", 1, 10))' for end in ends)
        found = self.db.execute(
            f'SELECT {last} - {first} FROM "{table}" WHERE {where}', values
        ).fetchall()
        assert (len(found), path) == (1, ["days"]), (table, arguments, found)
        return int(found[0][0])

    def outstanding(
        self, tool: str, arguments: dict[str, Any], path: str, compared: dict[str, Any]
    ) -> Any:
        """Return the answer of the row that no tool finds; `None` where it stands elsewhere."""
        table = next(name for name, shape in self.shapes.items() if tool == f"find_{shape.many}")
        rest = dict(arguments)
        limit = rest.pop("limit")
        assert (rest.pop("offset", 0), rest.pop("sort_by", None)) == (0, None)
        rest.pop("order", None)
        where, values = self.where(table, rest)
        _, rows, place, field = path.split("/")
        assert rows == "rows"
        key = ", ".join(f'"{name}"' for name in self.shapes[table].key)
        one, other = compared["column"], compared["less"]
        if other is None:
            figure = f'length("{one}")'
        else:
            dated = self.db.execute(
                f'SELECT 1 FROM "{table}" WHERE typeof("{one}") = \'text\''
            ).fetchone()
            form = 'julianday("{}")' if dated else '"{}"'
            figure = f"{form.format(one)} - {form.format(other)}"
        query = (
            f'SELECT "{self.columns[table][field]}", {figure} FROM "{table}" '
            f"WHERE {where} ORDER BY {key}"
        )
        listed = self.db.execute(query, values).fetchall()
        figures = sorted((row[1] for row in listed if row[1] is not None), reverse=True)
        best = listed[int(place)]
        alone = best[1] is not None and best[1] == figures[0] > figures[1]
        return best[0] if alone and len(listed) <= limit else None

    def count(self, table: str, arguments: dict[str, Any], path: list[str]) -> Any:
        assert path == ["total"]
        where, values = self.where(table, arguments)
        return self.db.execute(f'SELECT COUNT(*) FROM "{table}" WHERE {where}', values).fetchone()[
            0
        ]

    def summarise(self, table: str, arguments: dict[str, Any], path: list[str]) -> Any:
        rest = dict(arguments)
        column = self.columns[table][rest.pop("column")]
        where, values = self.where(table, rest)
        query = f'SELECT {FIGURES[path[0]]}("{column}") FROM "{table}" WHERE {where}'
        return self.db.execute(query, values).fetchone()[0]

    def group(self, table: str, arguments: dict[str, Any], path: list[str]) -> Any:
        """Return the value of the first group; `None` where two share the first place."""
        rest = dict(arguments)
        by, measured = self.columns[table][rest.pop("by")], rest.pop("column", None)
        figure, order = rest.pop("sort_by"), rest.pop("order")
        assert path == ["groups", "0", "value"]
        assert rest.pop("offset", 0) == 0
        rest.pop("limit")
        where, values = self.where(table, rest)
        groups: dict[Any, list[Any]] = {}
        column = by if measured is None else self.columns[table][measured]
        for value, number in self.db.execute(
            f'SELECT "{by}", "{column}" FROM "{table}" WHERE {where}', values
        ):
            groups.setdefault(value, []).append(number)
        figures: list[tuple[float, Any]] = []
        for value, numbers in groups.items():
            held = [number for number in numbers if number is not None]
            match figure:
                case "count":
                    figures.append((len(numbers), value))
                case "mean" if held:
                    figures.append((sum(held) / len(held), value))
                case "sum" if held:
                    figures.append((sum(held), value))
                case "mean" | "sum":
                    # A group without a value has no figure, and comes last.
                    pass
                case _:
                    raise AssertionError(f"unknown figure {figure!r}")
        figures.sort(key=lambda one: one[0], reverse=order == "descending")
        return figures[0][1] if abs(figures[0][0] - figures[1][0]) > 1e-6 else None

    def where(self, table: str, arguments: dict[str, Any]) -> tuple[str, list[Any]]:
        """Return the condition that arguments stand for."""
        parts: list[str] = []
        values: list[Any] = []
        fields = self.columns[table]
        for name, value in arguments.items():
            if value is None:
                continue
            bare, sign = name, "="
            if name not in fields and name.removesuffix("_") not in fields:
                for ending, operator in (("_min", ">="), ("_max", "<=")):
                    if name.endswith(ending):
                        bare, sign = name.removesuffix(ending), operator
            column = fields.get(bare) or fields[bare.removesuffix("_")]
            parts.append(f'"{column}" {sign} ?')
            values.append(value)
        return " AND ".join(parts) or "1", values


def follows(question: dict[str, Any], answers: dict[str, Any]) -> Any:
    """Compute what follows from two other answers alone."""
    given = question["arguments"]
    left, right = (answers[given[place]["$from"]] for place in ("first", "second"))
    match given["operation"]:
        case "difference":
            return abs(left - right)
        case "sum":
            return left + right
        case "ratio":
            return left / right
        case "larger" | "later":
            return left if left > right else right
        case "smaller" | "earlier":
            return left if left < right else right
        case how:
            raise AssertionError(f"unknown operation {how!r}")


def same(gold: Any, came: Any, tolerance: float) -> bool:
    """Whether two answers agree; numbers within the tolerance that the gold allows."""
    if isinstance(gold, int | float) and isinstance(came, int | float):
        return abs(gold - came) <= tolerance + 1e-9 * max(1.0, abs(gold))
    return type(gold) is type(came) and gold == came


def parse_shapes(texts: list[str]) -> Shapes:
    """Read `table=one,many,key+key`."""
    shapes: Shapes = {}
    for text in texts:
        table, _, rest = text.partition("=")
        one, many, key = rest.split(",")
        shapes[table] = Shape(one, many, tuple(key.split("+")))
    return shapes


def main() -> int:
    """Print what disagrees; 1 when anything does."""
    source, tasks, *shapes = sys.argv[1:]
    oracle = Oracle(Path(source), parse_shapes(shapes))
    lines = Path(tasks).read_text(encoding="utf-8").splitlines()
    found = [text for line in lines for text in oracle.disagreements(json.loads(line))]
    print("\n".join([*found, f"{len(lines)} tasks, {len(found)} disagreements"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
