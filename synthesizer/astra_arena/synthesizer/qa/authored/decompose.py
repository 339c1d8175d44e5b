"""Stage 1: a question, or what one can be thought of from, becomes answered sub-questions.

Whatever an input brings is kept: a decomposition made by people is only completed with answers,
and one that is complete needs no model. What a model writes is checked by code, and what is wrong
goes back to it.
"""

from dataclasses import dataclass

from astra_arena.client.authors.author import Author, Authored, AuthorRequest
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.errors import SpecError
from astra_arena.synthesizer.qa.authored.asking import (
    hops_text,
    material_text,
    prompt,
    prompts_digest,
    steps_text,
    texts_of,
)
from astra_arena.synthesizer.qa.authored.seeds import Input, QuestionSeed, Unreadable
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.authored.step_checks import (
    answer_findings,
    stated_number,
    step_findings,
)
from astra_arena.synthesizer.qa.authored.step_replies import (
    Answers,
    ProposedQuestion,
    Steps,
    Texts,
    answered,
    decomposition_of_steps,
    grounding_findings,
)
from astra_arena.synthesizer.qa.decomposition import Decomposition, StatedAnswer
from astra_arena.synthesizer.qa.instance import HopRange, QAInstance
from astra_arena.synthesizer.qa.traces import stated_answer

DECOMPOSE = "decompose"


@dataclass(frozen=True, slots=True)
class Decomposing:
    """The stage.

    Args:
        author: Writes what an input lacks.
        hops: Of inputs that do not say theirs.
    """

    author: Author
    hops: HopRange | None = None

    @property
    def stage(self) -> Stage[Input, QAInstance]:
        """What the pipeline runs."""
        return Stage(DECOMPOSE, self.work, decides=self.decides)

    def decides(self, item: Input) -> Json:
        """Return what decides the outcome beside the item."""
        hops = None if self.hops is None else self.hops.to_json()
        prompts = prompts_digest("answers", "steps", "question")
        return [self.author.model, hops, *prompts]

    async def work(self, item: Input) -> Worked[QAInstance]:
        """Return an instance whose decomposition is complete.

        Raises:
            AuthorError: as `Author.ask`.
        """
        match item:
            case Unreadable():
                return Rejected("the line cannot be read", item.reason)
            case QuestionSeed():
                return await self._thought_of(item)
            case QAInstance():
                if item.decomposition is None:
                    return await self._taken_apart(item)
                return await self._completed(item, item.decomposition)

    async def _completed(self, instance: QAInstance, has: Decomposition) -> Worked[QAInstance]:
        """People's sub-questions stay as they are; answers that are missing are authored."""
        if has.is_answered:
            return _finished(instance, has, None, ())
        texts = texts_of(instance)

        def check(reply: Answers) -> list[str]:
            try:
                made = answered(has, reply, texts)
            except SpecError as error:
                return [error.message]
            return [*grounding_findings(made, texts), *answer_findings(instance.answer, made)]

        request = AuthorRequest(
            stage=DECOMPOSE,
            item=instance.id,
            part="answers",
            result=Answers,
            prompt=prompt(
                "answers",
                instance.language,
                question=instance.question,
                answer=instance.answer.value,
                material=material_text(texts, instance.language),
                steps=steps_text(has),
            ),
            check=check,
        )
        authored = await self.author.ask(request)
        made = answered(has, authored.value, texts)
        return _finished(instance, made, texts, (authored.provenance,))

    async def _taken_apart(self, instance: QAInstance) -> Worked[QAInstance]:
        if instance.table is not None:
            return Rejected("it has a table and no program, and tables are shown to no model")
        texts = texts_of(instance)
        hops = instance.hops or self.hops

        def check(reply: Steps) -> list[str]:
            return _findings(instance.question, instance.answer, reply, texts, hops)

        request = AuthorRequest(
            stage=DECOMPOSE,
            item=instance.id,
            part="steps",
            result=Steps,
            prompt=prompt(
                "steps",
                instance.language,
                question=instance.question,
                answer=instance.answer.value,
                material=material_text(texts, instance.language),
                hops=hops_text(hops, instance.language),
            ),
            check=check,
        )
        authored = await self.author.ask(request)
        made = decomposition_of_steps(authored.value, texts)
        return _finished(instance, made, texts, (authored.provenance,))

    async def _thought_of(self, seed: QuestionSeed) -> Worked[QAInstance]:
        texts = texts_of(seed)
        hops = seed.hops or self.hops

        def check(reply: ProposedQuestion) -> list[str]:
            try:
                answer = _answer_of(reply)
            except SpecError as error:
                return [error.message]
            given = seed.question
            changed = [f"keep the question: {given!r}"] if given not in ("", reply.question) else []
            return [*changed, *_findings(reply.question, answer, reply, texts, hops)]

        request = AuthorRequest(
            stage=DECOMPOSE,
            item=seed.id,
            part="question",
            result=ProposedQuestion,
            prompt=prompt(
                "question",
                seed.language,
                domain=seed.domain,
                topic=" > ".join(seed.topic) or "-",
                question=seed.question or "-",
                scenario=seed.scenario or "-",
                material=material_text(texts, seed.language),
                hops=hops_text(hops, seed.language),
            ),
            check=check,
        )
        authored = await self.author.ask(request)
        return _finished(
            _instance_of(seed, authored, hops),
            decomposition_of_steps(authored.value, texts),
            texts,
            (authored.provenance,),
        )


def _findings(
    question: str, answer: StatedAnswer, reply: Steps, texts: Texts, hops: HopRange | None
) -> list[str]:
    try:
        made = decomposition_of_steps(reply, texts)
    except SpecError as error:
        return [error.message]
    return [
        *(finding.text for finding in step_findings(question, made, hops=hops)),
        *grounding_findings(made, texts),
        *answer_findings(answer, made),
    ]


def _answer_of(reply: ProposedQuestion) -> StatedAnswer:
    value: Json = list(reply.answer) if isinstance(reply.answer, list) else reply.answer
    return stated_answer(value)


def _instance_of(
    seed: QuestionSeed, authored: Authored[ProposedQuestion], hops: HopRange | None
) -> QAInstance:
    return QAInstance(
        id=seed.id,
        question=authored.value.question,
        answer=_answer_of(authored.value),
        language=seed.language,
        translated=seed.translated,
        domain=seed.domain,
        context=seed.context,
        knowledge=seed.knowledge,
        hops=hops,
        missing="a decomposition",
        source=seed.source,
    )


def _finished(
    instance: QAInstance,
    made: Decomposition,
    texts: Texts | None,
    provenance: tuple[JsonObject, ...],
) -> Worked[QAInstance]:
    """Return the instance with its decomposition; what people gave is checked here, too."""
    wrong = [*answer_findings(instance.answer, made)]
    if texts is not None:
        wrong += grounding_findings(made, texts)
    if wrong:
        return Rejected("its answers do not hold", list[Json](wrong), provenance)
    whole = {**instance.to_json(), "decomposition": made.to_json(), "missing": ""}
    final = made.node(made.final_ids[-1]).answer
    number = None if final is None else stated_number(instance.answer, final.value)
    if number is not None:
        # "21,196 km" is compared as the number that the sub-questions come to.
        whole["answer"] = number.to_json()
    return Passed(QAInstance.from_json(whole, what=instance.id), provenance)
