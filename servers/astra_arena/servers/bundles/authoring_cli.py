"""The verbs `arena init`, `arena seal` and `arena migrate`, for environments written by hand."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from astra_arena.core.output import output_console, print_hanging
from astra_arena.servers.bundles.migrate import migrate_bundle
from astra_arena.servers.bundles.scaffold import init_bundle
from astra_arena.servers.bundles.seal import seal as seal_source
from astra_arena.servers.bundles.suite import Source


def init(
    name: Annotated[str, typer.Argument(help="Of the environment: a-z, 0-9 and -.")],
    out: Annotated[Path | None, typer.Option(help="Folder; NAME when absent.")] = None,
    world: Annotated[
        Literal["json", "sqlite"], typer.Option(help="What the tools work on.")
    ] = "json",
) -> None:
    """Write a small environment to start from: tools, a world, tasks with gold.

    It passes `arena check` as it is; its README says how to go on.

    Example: arena init my-workshop

    Example: arena init my-workshop --world sqlite --out environments/workshop
    """
    bundle = init_bundle(out or Path(name), name=name, world=world)
    console = output_console()
    _say(bundle, bundle.path)
    console.print(f"change it, then: arena seal {bundle.path} && arena check {bundle.path}")


def seal(
    folders: Annotated[list[Path], typer.Argument(help="Folders of bundles and suites.")],
) -> None:
    """Check what was changed by hand and write its digests, in place; nothing is executed.

    Example: arena seal my-workshop
    """
    for folder in folders:
        sealed = seal_source(folder)
        _say(sealed.source, folder)
        for notice in sealed.notices:
            print_hanging(output_console(), "", notice)


def migrate(
    folders: Annotated[list[Path], typer.Argument(help="Folders of bundles.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the new bundle; in place when absent, the old one kept."),
    ] = None,
) -> None:
    """Bring bundles of older formats to the present one; the original stays beside it.

    Example: arena migrate old-bundle

    Example: arena migrate old-bundle --out new-bundle
    """
    if out is not None and len(folders) > 1:
        raise typer.BadParameter("--out takes one bundle")
    for folder in folders:
        migrated = migrate_bundle(folder, out=out)
        console = output_console()
        if not migrated.steps:
            console.print(f"{folder} is of the present format")
            continue
        _say(migrated.source, out or folder)
        console.print(f"changed: {', '.join(migrated.steps)}")
        if migrated.original is not None:
            print_hanging(console, "", "the bundle as it was", after=f"→ {migrated.original}")


def _say(source: Source, place: Path) -> None:
    tasks = f"{len(source.tasks)} tasks"
    print_hanging(output_console(), "", f"{source.title}: {tasks}", after=f"→ {place}")
