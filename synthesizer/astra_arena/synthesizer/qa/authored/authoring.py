"""Questions that need a model, from the options of the command line to the stages' report."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from astra_arena.client.authors.model_options import ModelOptions, open_author
from astra_arena.client.authors.spending import LedgerSummary
from astra_arena.core.canonical import JsonObject
from astra_arena.servers.bundles.bundle import Bundle
from astra_arena.synthesizer.qa.authored.authoring_options import AuthoringOptions, StageName
from astra_arena.synthesizer.qa.authored.pipeline import FOLDER, REPORT, needs_model, open_pipeline
from astra_arena.synthesizer.qa.authored.seeds import read_inputs
from astra_arena.synthesizer.qa.worlds.emit import EMIT
from astra_arena.synthesizer.watching import Watcher


@dataclass(frozen=True, slots=True)
class Authoring:
    """What came of the stages."""

    report: JsonObject
    """The same for equal inputs, replies and options."""
    spending: LedgerSummary
    """What the model cost, in all runs that the ledger holds."""
    folder: Path
    """Where the stages tell of each item."""
    bundles: tuple[Bundle, ...] = ()
    """The environments, once they are released."""

    def lines(self) -> Iterator[str]:
        """Say it in words, a line for each stage."""
        stages = self.report["stages"]
        assert isinstance(stages, dict)
        for name, counts in stages.items():
            assert isinstance(counts, dict)
            told = f"{name}: {counts['passed']} passed, {counts['rejected']} rejected"
            yield told + (f" → {self.folder / name}.jsonl" if counts["rejected"] else "")
        left_out = self.report["left_out"]
        if isinstance(left_out, dict) and left_out:
            told = "1 instance is" if len(left_out) == 1 else f"{len(left_out)} instances are"
            yield f"{told} left out of its world → {self.folder.with_name(REPORT)}"
        seen = self.report["calibration"]
        if isinstance(seen, dict):
            yield (
                f"calibration: {seen['missed']} of {seen['seeded']} seeded defects missed, "
                f"{seen['false_alarms']} of {seen['good']} good ones objected to"
            )
        total = self.spending.total
        tokens = total.prompt_tokens + total.completion_tokens
        cost = "" if total.usd is None else f", ${total.usd.normalize():f}"
        asked = "1 request" if total.requests == 1 else f"{total.requests} requests"
        yield f"{asked}, {total.cached} from the cache, {tokens} tokens{cost}"


def author_questions(
    source: Path,
    out: Path,
    model: ModelOptions,
    options: AuthoringOptions,
    *,
    only: StageName | None = None,
    watcher: Watcher | None = None,
) -> Authoring:
    """Run the stages over an input.

    Args:
        source: Instances, pairs or seeds.
        out: Where the folder `stages` is made.
        model: Which model is asked.
        options: What the user chose of the stages.
        only: The one stage to run; all of them for none.
        watcher: Told how far each stage is.

    Raises:
        AuthorError: if the model cannot be asked, or nothing more may be spent.
        SourceError: if the input, or what an earlier stage should have left, is not there.
        SynthesisError: if the folder cannot be used.
        SettingsError: if an option cannot be used.
    """
    return asyncio.run(_authored(source, out, model, options, only, watcher))


async def _authored(
    source: Path,
    out: Path,
    model: ModelOptions,
    options: AuthoringOptions,
    only: StageName | None,
    watcher: Watcher | None,
) -> Authoring:
    async with open_author(model) as author:
        with open_pipeline(source, out, author, options, watcher=watcher) as pipeline:
            report = await pipeline.run(only)
            bundles = tuple(pipeline.bundles()) if only in (None, EMIT) else ()
        return Authoring(report, author.ledger.summary(), out / FOLDER, bundles)


def brings_programs(source: Path) -> bool:
    """Tell whether an input holds something that needs no model.

    Raises:
        SourceError: if it cannot be read.
    """
    return any(not needs_model(item) for item in read_inputs(source))
