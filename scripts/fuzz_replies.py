# pyright: basic, reportMissingModuleSource=false, reportAttributeAccessIssue=false
"""Feeds the decoder of replies with bytes that coverage leads to; needs `atheris`.

`python -m pip install atheris && python scripts/fuzz_replies.py -max_total_time=60`. What it finds
it leaves in a file `crash-…` in this folder; the options are libFuzzer's.
"""

import sys

try:
    import atheris
except ImportError:
    sys.exit("skipped: `atheris` is not installed (python -m pip install atheris)")

with atheris.instrument_imports(include=["astra_arena", "json"]):
    from astra_arena.core.canonical import canonical_bytes
    from astra_arena.sandbox.replies import difference_of, is_shallow, reply_of


def fuzz_one(data: bytes) -> None:
    """Decode what a session may say; anything but a `ValueError` is a finding."""
    try:
        reply = reply_of(data)
    except ValueError:
        return
    if reply.ok is not None and is_shallow(reply.ok):
        canonical_bytes(reply.ok)
    if reply.difference is not None:
        try:
            difference = difference_of(reply.difference)
        except ValueError:
            return
        canonical_bytes(difference)


atheris.Setup(sys.argv, fuzz_one)
atheris.Fuzz()
