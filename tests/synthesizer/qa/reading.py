"""Reads single records, as tests of formats do."""

import json
from pathlib import Path

from astra_arena.core.canonical import JsonObject
from astra_arena.core.environment import Licence
from astra_arena.synthesizer.qa.formats.format import BadRecord, Format, Origin
from astra_arena.synthesizer.qa.instance import QAInstance


def origin(name: str, index: int = 0) -> Origin:
    return Origin(name, "made.json", "sha256:0", index, Licence(name="MIT"))


def read_all(reader: Format, record: JsonObject) -> list[QAInstance | BadRecord]:
    return list(reader.read(record, origin(reader.name)))


def read_one(reader: Format, record: JsonObject) -> QAInstance:
    (one,) = read_all(reader, record)
    assert isinstance(one, QAInstance)
    # What is written is what is read back.
    assert QAInstance.from_json(json.loads(json.dumps(one.to_json())), what="instance") == one
    return one


def write_lines(path: Path, *records: object) -> Path:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
