"""Turns plans of changes into tasks; the state that they ask for is added by execution."""

from astra_arena.core.canonical import Json, JsonObject
from astra_arena.core.tasks import Answer, Budget, Expectation, SubQuestion, Task, Turn
from astra_arena.synthesizer.changes.change import Change, ChangePlan, NamedRow
from astra_arena.synthesizer.changes.change_wording import ChangeWording
from astra_arena.synthesizer.tables.catalogue import Catalogue
from astra_arena.synthesizer.tables.write_kinds import CreateTool, MoveAmountTool
from astra_arena.synthesizer.tasks.task_splits import Thing, things_json
from astra_arena.synthesizer.tasks.task_writer import UNBOUND, TaskWriter

UNKNOWN: Json = None
"""Stands for an answer until the change has been executed."""


class ChangeWriter:
    """Writes tasks that change the world.

    Args:
        writer: Writes what is read, for the same environment.
        catalogue: The entities.
    """

    def __init__(self, writer: TaskWriter, catalogue: Catalogue) -> None:
        self._writer = writer
        self._catalogue = catalogue

    def write(
        self,
        number: int,
        plan: ChangePlan,
        wording: ChangeWording,
        entities: frozenset[Thing],
        split: str,
    ) -> Task:
        """Return the task, without the state that it asks for."""
        reads = [self._writer.sub_question(s, wording.read_question(s)) for s in plan.reads]
        writes = [self._sub_question(change, wording.sentence(change)) for change in plan.changes]
        steps = len(reads) + len(writes)
        several = len(plan.changes) > 1
        topology = "multi_hop" if plan.hops > 1 else "single_hop"
        return Task(
            id=f"w{number:04d}",
            environments=(UNBOUND,),
            split=split,
            budget=Budget(calls=3 * steps + 5),
            difficulty={
                "hops": plan.hops,
                "sub_questions": steps,
                "topology": f"parallel_{topology}" if several else topology,
                "shape": "change",
                "changes": [change.kind for change in plan.changes],
            },
            provenance={
                **self._writer.origin,
                "template": plan.template,
                "patterns": [plan.template],
                "entities": things_json(entities),
                "rows": [self._row_used(named) for change in plan.changes for named in change.rows],
            },
            turns=(Turn(say=wording.request(), expect=Expectation(kind="act")),),
            sub_questions=(*reads, *writes),
        )

    def _row_used(self, named: NamedRow) -> JsonObject:
        entity = self._catalogue.by_name[named.table]
        key: JsonObject = {name: named.row[name] for name in entity.key}
        return {"table": named.table, "key": key}

    def _sub_question(self, change: Change, request: str) -> SubQuestion:
        return SubQuestion(
            id=change.id,
            question=request,
            environment=self._writer.home_of(change.table),
            tool=change.tool.name,
            arguments=self._writer.complete(change.tool.name, self._arguments(change)),
            depends_on=change.sources,
            answer=Answer(path=self._path(change), kind="exact", value=UNKNOWN),
        )

    def _arguments(self, change: Change) -> JsonObject:
        arguments: JsonObject = {}
        if change.target is not None:
            arguments |= self._key_of(change, change.target)
        for parameter, named in change.others.items():
            arguments[parameter] = self._single_key(named)
        for parameter, value in change.values.items():
            arguments[parameter] = value
        return arguments

    def _key_of(self, change: Change, named: NamedRow) -> JsonObject:
        if named.source is not None:
            (parameter,) = self._key_parameters(change)
            return {parameter: {"$from": named.source, "path": ""}}
        return {
            parameter: named.row[name] for parameter, name in self._key_parameters(change).items()
        }

    def _key_parameters(self, change: Change) -> dict[str, str]:
        """Return the parameters that name the row changed, with the columns of its key."""
        match change.tool:
            case CreateTool():
                return {}
            case MoveAmountTool() as tool:
                pairs = tool.source
            case tool:
                pairs = tool.key_parameters
        return {parameter: attribute.name for parameter, attribute in pairs}

    def _single_key(self, named: NamedRow) -> Json:
        if named.source is not None:
            return {"$from": named.source, "path": ""}
        (key,) = self._catalogue.by_name[named.table].key
        return named.row[key]

    def _path(self, change: Change) -> str:
        """Return where the reply shows what has come of the change."""
        entity = self._catalogue.by_name[change.table]
        match change.tool:
            case MoveAmountTool() as tool:
                return f"/from/{tool.attribute.field}"
            case _:
                return f"/row/{entity.by_name[entity.key[-1]].field}"
