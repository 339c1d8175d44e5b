"""Cuts small extracts from three data sets of questions, each with licence and provenance.

The source folder holds them as their repositories do: `gsm8k/test.jsonl`,
`tatqa/tatqa_dataset_dev.json`, `strategyqa/dev.json`, and a LICENSE in each. Standard library only.

    python -m scripts.cut_questions --source DATA
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.data_cut import DATA, gzip_bytes

OUT = DATA / "qa"


@dataclass(frozen=True, slots=True)
class Extract:
    """What is cut from one data set."""

    name: str
    file: str
    repository: str
    what: str
    rule: str
    keep: Callable[[list[bytes]], bytes]


def first_lines(lines: list[bytes]) -> bytes:
    return b"".join(lines[:80])


def every_16th_table(lines: list[bytes]) -> bytes:
    tables = json.loads(b"".join(lines))
    return json_bytes(tables[::16])


def every_4th_question(lines: list[bytes]) -> bytes:
    questions = json.loads(b"".join(lines))
    # Which paragraphs of Wikipedia support a step is not needed, and most of the bytes.
    kept = [{k: v for k, v in one.items() if k != "evidence"} for one in questions[::4]]
    return json_bytes(kept)


def json_bytes(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=0).encode("utf-8") + b"\n"


EXTRACTS = (
    Extract(
        "gsm8k",
        "test.jsonl",
        "https://github.com/openai/grade-school-math",
        "Word problems of grade school, with solutions that hold their calculations.",
        "the first 80 records, verbatim",
        first_lines,
    ),
    Extract(
        "tatqa",
        "tatqa_dataset_dev.json",
        "https://github.com/NExTplusplus/TAT-QA",
        "Questions about tables and texts of financial reports, with the arithmetic written out.",
        "every 16th table with its texts and questions, from the first; values verbatim",
        every_16th_table,
    ),
    Extract(
        "strategyqa",
        "dev.json",
        "https://github.com/eladsegal/strategyqa",
        "Yes/no questions with the steps that people took them apart into.",
        "every 4th record, from the first, without its field `evidence`",
        every_4th_question,
    ),
)

PROVENANCE = """\
# {name}: where these questions come from

**What.** {what}

**From.** `{file}` of {repository}, SHA-256
`{sha256}`.

**Licence.** MIT (`LICENSE` beside this file).

**The cut.** `scripts/cut_questions.py` made `{cut}`: {rule}. Records: {before} before, {after}
after. SHA-256 of the extract
`{packed}`.
"""


def records(data: bytes) -> int:
    if data.lstrip().startswith(b"["):
        return len(json.loads(data))
    return sum(1 for line in data.splitlines() if line.strip())


def cut(extract: Extract, source: Path, out: Path) -> None:
    folder = out / extract.name
    folder.mkdir(parents=True, exist_ok=True)
    whole = (source / extract.name / extract.file).read_bytes()
    kept = extract.keep(whole.splitlines(keepends=True))
    packed = gzip_bytes(kept)
    name = f"{extract.file}.gz"
    (folder / name).write_bytes(packed)
    (folder / "LICENSE").write_bytes((source / extract.name / "LICENSE").read_bytes())
    text = PROVENANCE.format(
        name=extract.name,
        what=extract.what,
        file=extract.file,
        repository=extract.repository,
        sha256=hashlib.sha256(whole).hexdigest(),
        cut=name,
        rule=extract.rule,
        before=records(whole),
        after=records(kept),
        packed=hashlib.sha256(packed).hexdigest(),
    )
    (folder / "PROVENANCE.md").write_bytes(text.encode("utf-8"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--source", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    for extract in EXTRACTS:
        cut(extract, options.source, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
