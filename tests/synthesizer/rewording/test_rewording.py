"""`arena reword`: questions of a real bundle in other words, with a scripted model."""

import json
from pathlib import Path

import pytest

from astra_arena.client.authors.scripted_author import ScriptedAuthor
from astra_arena.client.authors.transcript import Transcript
from astra_arena.core.canonical import JsonObject
from astra_arena.core.cli import run
from astra_arena.core.tasks import Task
from astra_arena.servers.bundles.bundle import Bundle, load_bundle, write_bundle
from astra_arena.synthesizer.rewording.masked_prompt import (
    MaskedPrompt,
    gold_texts,
    masked,
    stored_in,
    stored_texts,
)
from astra_arena.synthesizer.rewording.rewording import PROMPTS, Rewriter, vocabulary
from tests.support.requirement import requirement
from tests.synthesizer.asking import AskingScripted

TASKS = 8


@pytest.fixture(scope="module")
def few(shop_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Some tasks of the shop, so that every one can be looked at."""
    base = [task for task in shop_bundle.tasks if len(task.turns) == 1]
    return write_bundle(
        tmp_path_factory.mktemp("few") / "shop",
        shop_bundle.environment.model_copy(update={"digests": None}),
        tools_py=shop_bundle.tools_py.decode(),
        world=shop_bundle.path / shop_bundle.environment.world.file,
        tasks=tuple(base[:TASKS]),
    )


def original_of(task: Task, bundle: Bundle) -> MaskedPrompt:
    stored = stored_texts(bundle)
    return masked(task.prompt, [*gold_texts(task), *stored_in(task.prompt, stored)])


def line(bundle: Bundle, task: Task, question: str, **others: object) -> JsonObject:
    text = json.dumps({"question": question}, ensure_ascii=False)
    made = {"stage": "reword", "item": f"{bundle.name}/{task.id}", "text": text, **others}
    return json.loads(json.dumps(made))


def write(path: Path, lines: list[JsonObject]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return path


def politely(masked_prompt: MaskedPrompt) -> str:
    text = masked_prompt.text
    return f"A small request, please: {text[:1].lower()}{text[1:]}"


def reworded(few: Bundle, tmp_path: Path, lines: list[JsonObject], *options: str) -> Bundle:
    transcript = write(tmp_path / "replies.jsonl", lines)
    out = tmp_path / "out"
    command = ["reword", str(few.path), "--out", str(out), "--transcript", str(transcript)]
    assert run([*command, "--gates", "leak,near_duplicates", *options]) == 0
    return load_bundle(out)


@requirement("reword:bundle")
def test_questions_come_in_other_words_and_ask_the_same(few: Bundle, tmp_path: Path) -> None:
    lines = [line(few, task, politely(original_of(task, few))) for task in few.tasks]
    made = reworded(few, tmp_path, lines, "--persona", "a polite customer")
    assert len(made.tasks) == TASKS
    for before, after in zip(few.tasks, made.tasks, strict=True):
        assert after.prompt.casefold() == f"a small request, please: {before.prompt}".casefold()
        note = after.provenance["reworded"]
        assert isinstance(note, dict)
        assert (note["persona"], note["original"]) == ("a polite customer", before.prompt)
        assert after.sub_questions == before.sub_questions
    # The environment is not touched.
    assert made.digests.environment == few.digests.environment


@requirement("reword:bundle")
def test_a_rewrite_that_asks_something_else_is_told_and_then_the_original_stays(
    few: Bundle, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines: list[JsonObject] = []
    for number, task in enumerate(few.tasks):
        good = politely(original_of(task, few))
        if number == 0:
            # Never right: the first value is dropped, or something is added.
            lines.append(line(few, task, f"{good} Only the cheapest, though.", repeats=True))
        elif number == 1:
            lines.append(line(few, task, f"{good} But not before May."))
            lines.append(line(few, task, good, turn=1))
        else:
            lines.append(line(few, task, good))
    made = reworded(few, tmp_path, lines, "--json")
    figures = json.loads(capfd.readouterr().out)
    assert figures["reworded"] == TASKS - 1
    assert figures["kept"]["no reply asked the same"] == 1
    assert made.tasks[0].prompt == few.tasks[0].prompt
    assert made.tasks[1].prompt != few.tasks[1].prompt


@requirement("reword:private")
async def test_values_of_rows_are_hidden_unless_they_may_be_shown(
    few: Bundle, tmp_path: Path
) -> None:
    lines = [line(few, task, politely(original_of(task, few))) for task in few.tasks]
    path = write(tmp_path / "replies.jsonl", lines)
    assert sum(len(original_of(task, few).values) for task in few.tasks) > TASKS / 2
    for shown in (False, True):
        author = AskingScripted(ScriptedAuthor(Transcript(path)))
        made = await Rewriter(author, few, ("a friend",), show_values=shown).rewrite()
        assert made.reworded == TASKS
        for task in few.tasks:
            sent = author.prompts[f"{few.name}/{task.id}"]
            original = original_of(task, few)
            for number, value in enumerate(original.values, start=1):
                assert (f"⟦{number}:{value}⟧" in sent) is shown
                assert shown or value.isdecimal() or value not in sent


@requirement("reword:bundle")
def test_a_rewrite_that_gives_an_answer_away_is_refused(few: Bundle, tmp_path: Path) -> None:
    def answer(task: Task) -> object:
        return task.sub_questions[-1].answer.value

    telling = [
        task for task in few.tasks if isinstance(answer(task), str) and len(str(answer(task))) > 4
    ]
    lines = [line(few, task, politely(original_of(task, few))) for task in few.tasks]
    for task in telling:
        place = few.tasks.index(task)
        said = f"{politely(original_of(task, few))} Is it {answer(task)}?"
        lines[place] = line(few, task, said, repeats=True)
    made = reworded(few, tmp_path, lines)
    changed = {task.id for task in made.tasks if "reworded" in task.provenance}
    assert telling
    assert changed.isdisjoint(task.id for task in telling)


def test_prompts_are_there_in_both_languages_and_words_of_tools_are_known(few: Bundle) -> None:
    PROMPTS.require_pairs()
    assert {"customer", "order"} & vocabulary(few)
