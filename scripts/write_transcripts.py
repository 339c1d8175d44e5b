"""Writes the questions and the transcript that show `arena synth qa` with a model, without one.

    python -m scripts.write_transcripts

From `scripts/authored/questions.toml` it makes, in the data of the package: `questions.jsonl`, the
instances of the StrategyQA extract that are answered there and their translations; `seeds.jsonl`,
inputs that a model takes apart or thinks of itself; `transcript.jsonl`, the replies. What worlds
are built of stands in `scripts/authored/worlds_*.toml`, see `world_replies.py`.
"""

import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from astra_arena.core.canonical import Json, JsonObject, line_text
from astra_arena.core.environment import Licence
from astra_arena.synthesizer.qa.formats.references import HumanStep, decomposition_of
from astra_arena.synthesizer.qa.importing import ImportOptions, import_questions, read_instances
from astra_arena.synthesizer.qa.instance import QAInstance
from astra_arena.synthesizer.shipped_data import shipped_questions
from scripts.data_cut import DATA
from scripts.world_replies import Worlds, line

OUT = DATA / "qa" / "strategyqa" / "authored"
SOURCE = Path(__file__).parent / "authored" / "questions.toml"
VOTES = 3
LICENCE = Licence(name="MIT", source="https://github.com/eladsegal/strategyqa")

Answers = list[list[Json]]


def needs(item: str, questions: dict[str, str], toolless: set[str]) -> str:
    """Which sub-questions need a tool."""
    steps: list[Json] = [
        {
            "id": name,
            "reason": "decided by what is known" if name in toolless else "a fact from outside",
            "needs_tool": name not in toolless,
        }
        for name in questions
    ]
    return line("necessity", item, {"steps": steps})


def votes(item: str, questions: dict[str, str], dissent: str) -> Iterator[str]:
    """Three votes in each dimension."""
    said: dict[str, tuple[JsonObject, JsonObject]] = {
        "dependency": ({"verdict": "matched"}, {"verdict": "missing"}),
        "atomicity": ({"is_atomic": True}, {"is_atomic": False}),
        "sequence": ({"is_forced": False}, {"is_forced": True}),
    }
    last = list(questions)[-1]
    for sample in range(VOTES):
        for part, (upheld, against) in said.items():
            is_against = dissent == part and sample == VOTES - 1
            steps: list[Json] = []
            for name in questions:
                verdict = against if is_against and name == last else upheld
                steps.append({"id": name, "reason": "as it stands", **verdict})
            yield line("judge", item, {"steps": steps}, part, sample)
        unmet = dissent == "completeness" and sample == VOTES - 1
        requirements: list[Json] = [
            {"requirement": question, "met_by": [] if unmet and name == last else [name]}
            for name, question in questions.items()
        ]
        yield line("judge", item, {"requirements": requirements}, "completeness", sample)


def answered(instance: QAInstance, answers: Answers, given: dict[str, Any]) -> Iterator[str]:
    """All replies about a question whose steps people wrote."""
    assert instance.decomposition is not None
    questions = {node.id: node.question for node in instance.decomposition.nodes}
    replies: list[Json] = [
        {"id": name, "answer": value, "fact": fact or None, "quote": None}
        for name, (value, fact) in zip(questions, answers, strict=True)
    ]
    yield line("decompose", instance.id, {"answers": replies}, "answers")
    yield from judged(instance.id, questions, given)


def judged(item: str, questions: dict[str, str], given: dict[str, Any]) -> Iterator[str]:
    """The replies of the stages after the first."""
    toolless = set(cast("list[str]", given.get("toolless", [list(questions)[-1]])))
    yield needs(item, questions, toolless)
    yield from votes(item, questions, str(given.get("dissent", "")))


def translated(instance: QAInstance, given: dict[str, Any]) -> QAInstance:
    """The instance in the words of a translation."""
    steps = [HumanStep(text) for text in given["steps"]]
    changed: JsonObject = {
        "id": f"{instance.id}-zh",
        "question": given["question"],
        "knowledge": list(given["facts"]),
        "context": "",
        "language": "zh",
        "translated": True,
        "decomposition": decomposition_of(steps).to_json(),
    }
    return QAInstance.from_json({**instance.to_json(), **changed}, what=instance.id)


def seed_id(given: dict[str, Any]) -> str:
    """The id of the instance that an input of its own becomes."""
    return f"{'plain' if 'answer' in given else 'seed'}-{given['id']}"


def authored(given: dict[str, Any]) -> Iterator[str]:
    """All replies about an input that a model takes apart."""
    line_given = given["given"]
    is_pair = "answer" in line_given
    item = seed_id(line_given)
    steps: list[Json] = [
        {
            "id": name,
            "question": question,
            "depends_on": above,
            "answer": answer,
            "fact": fact or None,
            "quote": quote or None,
        }
        for name, question, above, answer, fact, quote in given["steps"]
    ]
    reply: JsonObject = {"steps": steps, "finals": given["finals"]}
    if not is_pair:
        question = line_given.get("question") or given["question"]
        reply = {"question": question, "answer": given["answer"], **reply}
    yield line("decompose", item, reply, "steps" if is_pair else "question")
    questions = {name: question for name, question, *_ in given["steps"]}
    # All of these are looked up, but for what sums up others.
    toolless = [str(one[0]) for one in given["steps"] if len(one[2]) > 1]
    yield from judged(item, questions, {"toolless": toolless, **given})


def main(out: Path = OUT) -> int:
    """Write the three files into a folder."""
    source = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        imported = Path(folder) / "strategyqa.jsonl"
        options = ImportOptions(format="strategyqa", licence=LICENCE)
        import_questions(shipped_questions("strategyqa"), imported, options)
        instances = {one.source.key: one for one in read_instances(imported)}
    questions: list[str] = []
    replies: list[str] = []
    worlds = Worlds.read()
    for given in [*source["question"], *source["translation"]]:
        instance = instances[given["qid"]]
        if "steps" in given:
            instance = translated(instance, given)
        questions.append(line_text(instance.to_json()))
        replies += answered(instance, given["answers"], given)
        replies += worlds.replies(instance.id, instance.domain, instance.language)
    seeds = [line_text(given["given"]) for given in source["seed"]]
    for given in source["seed"]:
        replies += authored(given)
        seed = given["given"]
        replies += worlds.replies(seed_id(seed), seed["domain"], seed.get("language", "en"))
    replies += worlds.merged()
    out.mkdir(parents=True, exist_ok=True)
    files = {"questions": questions, "seeds": seeds, "transcript": replies}
    for name, lines in files.items():
        (out / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
        print(f"{name}.jsonl: {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
