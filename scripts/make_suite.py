"""Makes the starter suite under `servers/suite`: the same bytes whenever it is run.

    python -m scripts.make_suite                            # all, with the index
    python -m scripts.make_suite --out DIR --only elements  # one
    python -m scripts.make_suite --check                    # compare with what is there

Every environment passes all release gates when it is made, and is then served and played: the
oracle has to earn 1 on every task, and silence 0 on the whole. World files hold the version of the
SQLite library that wrote them, so that another version gives other bytes.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from astra_arena.servers.bundles.bundle import REPORT
from astra_arena.servers.bundles.collection import load_sources
from astra_arena.servers.bundles.inspection import licences_of
from astra_arena.servers.bundles.suite import Source, Suite, load_source, offered_specs
from astra_arena.servers.emission.emit import LAUNCHER
from astra_arena.servers.server_process import start_server_process
from scripts.commands import arena
from scripts.suite_recipes import RECIPES, Recipe

PLACE = Path(__file__).parent.parent / "servers" / "suite"
INDEX = "README.md"
MOST_CHECKS = 4
BESIDE = ("LICENSE", "PROVENANCE.md")
"""Files of the data that go into each folder; no digest covers them."""

_HEAD = """# Starter suite

Environments to start from. Each passed all [release gates](../../docs/gates.md): `report.json` is
its report card. Written by `make suite`, which makes the same bytes of the same data.

    arena serve servers/suite

| environment | made from | tools | tasks | variants | licence | source |
| --- | --- | --- | --- | --- | --- | --- |
"""
_FOOT = """
Each folder holds `LICENSE` and `PROVENANCE.md` of the data that it is made of.
"""


def make(recipe: Recipe, out: Path) -> Path:
    """Make one environment inside the folder `out`, in place of what is there."""
    with tempfile.TemporaryDirectory(prefix="make-suite-") as folder:
        made, scratch = Path(folder) / "made", Path(folder) / "scratch"
        made.mkdir()
        (scratch / "sources").mkdir(parents=True)
        draft = released(recipe.make(made, scratch), Path(folder))
        # A launcher alone needs this package to be installed; `arena emit` writes it with that.
        for launcher in draft.rglob(LAUNCHER):
            launcher.unlink()
        for name in BESIDE:
            shutil.copy(recipe.data / name, draft)
        place = out / recipe.name
        shutil.rmtree(place, ignore_errors=True)
        shutil.move(draft, place)
    return place


def released(draft: Path, folder: Path) -> Path:
    """Check until nothing is found, so that the report card is that of what is released.

    A gate that takes tasks away leaves others in a world where fewer are asked for; and what
    `arena synth` drew by the seed of the recipe, `arena check` draws by its own.
    """
    for number in range(MOST_CHECKS):
        place = folder / f"released-{number}"
        arena("check", draft, "--release", place, findings=True)
        report = json.loads((place / REPORT).read_bytes())
        if all(gate["status"] != "failed" for gate in report["gates"]):
            return place
        draft = place
    raise SystemExit(f"{draft.name}: {MOST_CHECKS} checks, one after the other, found something")


def index_text(out: Path) -> str:
    """Return the index of the environments in the folder `out`."""
    kinds = {recipe.name: recipe.kind for recipe in RECIPES}
    lines = [_line(source, kinds[source.name]) for source in load_sources([out])]
    return _HEAD + "".join(lines) + _FOOT


def _line(source: Source, kind: str) -> str:
    variants = sorted({task.variant for task in source.tasks} - {"base"})
    cells = (
        f"[`{source.name}`]({source.path.name}/PROVENANCE.md)",
        kind,
        str(len(offered_specs(source))),
        str(len(source.tasks)),
        ", ".join(variants) or "none",
        ", ".join(licences_of(source)),
        _origin(source),
    )
    return f"| {' | '.join(cells)} |\n"


def _origin(source: Source) -> str:
    bundle = source.members[0] if isinstance(source, Suite) else source
    return bundle.environment.licence.source


def wrong_figures(folders: Sequence[Path]) -> list[str]:
    """Serve environments and play every task; return what is not as it must be."""
    findings: list[str] = []
    with start_server_process(folders) as server:
        there = ("--control", server.addresses.control, "--token", server.token)
        for folder in folders:
            source = load_source(folder)
            agents = ("--agent", "oracle", "--agent", "noop", "--json")
            said = arena("rollout", folder, *there, "--environment", source.name, *agents)
            figures = json.loads(said)["agents"]
            for agent, earned in (("oracle", 1.0), ("noop", 0.0)):
                one = figures[agent]
                if (one["mean_reward"], one["void"]) != (earned, 0):
                    findings.append(f"{source.name}: {agent} came to {one}, expected {earned}")
            print(f"{source.name}: {len(source.tasks)} tasks played")
    return findings


def changed_files(recipe: Recipe, out: Path) -> list[str]:
    """Make an environment again, elsewhere; return the files that differ from those in `out`."""
    with tempfile.TemporaryDirectory(prefix="make-suite-") as folder:
        made, there = files_in(make(recipe, Path(folder))), files_in(out / recipe.name)
    names = sorted(made.keys() | there.keys())
    return [f"{recipe.name}/{name}" for name in names if made.get(name) != there.get(name)]


def files_in(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder with their content."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def main() -> int:
    """Make what is asked for; the exit code is 1 where some reward is not as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=PLACE)
    parser.add_argument("--only", choices=[recipe.name for recipe in RECIPES])
    parser.add_argument("--check", action="store_true", help="change nothing, name differences")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = [recipe for recipe in RECIPES if options.only in (None, recipe.name)]
    if options.check:
        changed = [name for recipe in chosen for name in changed_files(recipe, options.out)]
        print(*(f"differs: {name}" for name in changed or ["nothing"]), sep="\n")
        return 1 if changed else 0
    folders = [make(recipe, options.out) for recipe in chosen]
    if options.only is None:
        text = index_text(options.out)
        (options.out / INDEX).write_text(text, encoding="utf-8", newline="\n")
    findings = wrong_figures(folders)
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
