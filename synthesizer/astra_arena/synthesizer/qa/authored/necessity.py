"""Stage 2: which sub-questions need a tool; every one that others build on must.

The judgement is the model's and is never sent back: a model that was told which answer is wanted
would give it.
"""

from dataclasses import dataclass

from pydantic import Field

from astra_arena.client.authors.author import Author, AuthorRequest
from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.model import Model
from astra_arena.synthesizer.qa.authored.asking import prompt, prompts_digest, steps_text
from astra_arena.synthesizer.qa.authored.stages import Passed, Rejected, Stage, Worked
from astra_arena.synthesizer.qa.authored.step_replies import cover_findings
from astra_arena.synthesizer.qa.decomposition import Decomposition
from astra_arena.synthesizer.qa.instance import QAInstance

NECESSITY = "necessity"


class StepNeed(Model):
    """Whether one sub-question needs a tool."""

    id: str
    reason: str
    needs_tool: bool


class StepNeeds(Model):
    """Which sub-questions need a tool."""

    steps: list[StepNeed] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Necessity:
    """The stage.

    Args:
        author: Judges.
    """

    author: Author

    @property
    def stage(self) -> Stage[QAInstance, QAInstance]:
        """What the pipeline runs."""
        return Stage(NECESSITY, self.work, decides=self.decides)

    def decides(self, item: QAInstance) -> Json:
        """Return what decides the outcome beside the item."""
        del item
        return [self.author.model, *prompts_digest(NECESSITY)]

    async def work(self, item: QAInstance) -> Worked[QAInstance]:
        """Return an instance that says of each sub-question whether it needs a tool.

        Raises:
            AuthorError: as `Author.ask`.
        """
        decomposition = item.decomposition
        assert decomposition is not None, "the stage before sees to it"
        if all(node.needs_tool is not None for node in decomposition.nodes):
            return _legitimate(item, decomposition, (), ())
        ids = [node.id for node in decomposition.nodes]
        request = AuthorRequest(
            stage=NECESSITY,
            item=item.id,
            result=StepNeeds,
            prompt=prompt(
                NECESSITY,
                item.language,
                question=item.question,
                steps=steps_text(decomposition),
            ),
            check=lambda reply: cover_findings(ids, [one.id for one in reply.steps]),
        )
        authored = await self.author.ask(request)
        needs = {one.id: one for one in authored.value.steps}
        nodes = tuple(
            node
            if node.needs_tool is not None
            else node.model_copy(update={"needs_tool": needs[node.id].needs_tool})
            for node in decomposition.nodes
        )
        made = decomposition.model_copy(update={"nodes": nodes})
        reasons = tuple(f"{one.id}: {one.reason}" for one in authored.value.steps)
        return _legitimate(item, made, reasons, (authored.provenance,))


def _legitimate(
    item: QAInstance,
    made: Decomposition,
    reasons: tuple[str, ...],
    provenance: tuple[JsonObject, ...],
) -> Worked[QAInstance]:
    """Apply the rule: what others build on needs a tool, and something does."""
    built_on = {parent for node in made.nodes for parent in node.depends_on}
    toolless = [node.id for node in made.nodes if node.id in built_on and not node.needs_tool]
    evidence: list[Json] = [*(f"{name} needs no tool" for name in toolless), *reasons]
    if toolless:
        return Rejected("a sub-question that others build on needs no tool", evidence, provenance)
    if not any(node.needs_tool for node in made.nodes):
        return Rejected("no sub-question needs a tool", evidence, provenance)
    whole = {**item.to_json(), "decomposition": made.to_json()}
    return Passed(QAInstance.from_json(whole, what=item.id), provenance)
