"""The small library with tasks of several turns: tools that come and go, and what a call lacks."""

from pathlib import Path

from astra_arena.core.tasks import Expectation, Filling, FinalAnswer, Slot, Task, Turn
from astra_arena.servers import Bundle, write_bundle
from tests.servers.small_bundle import (
    GOLD_PHONE,
    TOOLS_PY,
    small_environment,
    small_tasks,
    write_small_bundle,
)

PHASED = "phone-in-two-phases"
ASKING = "phone-of-my-book"
QUESTION = "Whose phone has my book?"
WORDS = ("Whose phone is it?", "And who keeps count?", "You can look now.")
"""What the user says; the tools change with the last of the three turns."""
SECRET_TITLE = "Emma"


def write_phased_bundle(folder: Path) -> Bundle:
    small = write_small_bundle(folder / "small")
    return write_bundle(
        folder / "phased" / small.name,
        small_environment(),
        tools_py=TOOLS_PY,
        world=small.path / "world.sqlite",
        tasks=(*small_tasks(), phased_task(), asking_task()),
    )


def phased_task() -> Task:
    task = small_tasks()[0]
    refuse = Expectation(kind="decline", tool="get_reader")
    turns = (
        Turn(say=WORDS[0], tools_removed=("get_reader", "misbehave"), expect=refuse),
        Turn(say=WORDS[1], expect=Expectation(kind="answer")),
        Turn(say=WORDS[2], tools_added=("get_reader",), expect=Expectation(kind="answer")),
    )
    questions = tuple(q.model_copy(update={"turn": 2}) for q in task.sub_questions)
    update = {
        "id": PHASED,
        "turns": turns,
        "sub_questions": questions,
        "final_answer": FinalAnswer(kind="text", value=GOLD_PHONE),
    }
    return task.model_copy(update=update)


def asking_task() -> Task:
    title = Slot(
        name="title",
        value=SECRET_TITLE,
        tell=f"The book is {SECRET_TITLE}.",
        fills=(Filling(tool="find_loan", argument="title"),),
    )
    update = {
        "id": ASKING,
        "variant": "elicitation",
        "turns": (Turn(say=QUESTION, expect=Expectation(kind="act")),),
        "slots": (title,),
    }
    return small_tasks()[0].model_copy(update=update)
