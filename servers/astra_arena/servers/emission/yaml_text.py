"""YAML as emitted files need it: keys in their order, nothing folded."""

from collections.abc import Sequence

import yaml

from astra_arena.core.canonical import JsonObject


def yaml_text(documents: Sequence[JsonObject]) -> str:
    """Return documents as one text."""
    # `width` is typed by a name that the stubs do not know.
    return yaml.safe_dump_all(  # pyright: ignore[reportUnknownMemberType]
        documents, sort_keys=False, width=1000
    )
