"""The licence of an environment whose data comes from several sources."""

from collections.abc import Iterable

from astra_arena.core.environment import Licence


def joint_licence(licences: Iterable[Licence]) -> Licence:
    """Return one licence that names all of them.

    >>> joint_licence([Licence(name="MIT"), Licence(name="CC0-1.0"), Licence(name="MIT")]).name
    'CC0-1.0 AND MIT'
    """
    by_text = {repr(one): one for one in licences}
    listed = [by_text[text] for text in sorted(by_text)]
    if len(listed) == 1:
        return listed[0]
    return Licence(
        name=" AND ".join(sorted({one.name for one in listed})),
        source="; ".join(dict.fromkeys(one.source for one in listed if one.source)),
    )
