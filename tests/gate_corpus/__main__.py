"""Build every case, run the gates on it and write the confusion table."""

import argparse
import asyncio
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from astra_arena.sandbox.process_sandbox import ProcessSandbox
from tests.gate_corpus import held_out, tuned
from tests.gate_corpus.case import Case
from tests.gate_corpus.judging import Judgement, examined, judged
from tests.gate_corpus.tables import written

HALVES: dict[str, tuple[Case, ...]] = {"held_out": held_out.CASES, "tuned": tuned.CASES}


def judge_half(half: str, names: list[str] | None) -> list[Judgement]:
    """Judge the cases of a half, all or those with one of these names."""
    cases = tuple(one for one in HALVES[half] if not names or one.name in names)
    return asyncio.run(judge(cases)) if cases else []


async def judge(cases: tuple[Case, ...]) -> list[Judgement]:
    """Build and examine cases one by one; tell on stderr how each went."""
    found: list[Judgement] = []
    async with ProcessSandbox() as sandbox:
        for case in cases:
            with tempfile.TemporaryDirectory(prefix="arena-corpus-") as folder:
                one = judged(case, await examined(case.build(Path(folder)), sandbox))
            by = ", ".join(one.rejected_by) or "none"
            print(f"[corpus] {one.truth} {case.name}: {by}", file=sys.stderr)
            found.append(one)
    return found


def main() -> int:
    """Run what the arguments ask for; 1 when a gate was mistaken about a case."""
    parser = argparse.ArgumentParser(prog="python -m tests.gate_corpus", description=__doc__)
    parser.add_argument("--half", choices=sorted(HALVES), help="one half only")
    parser.add_argument("--case", action="append", help="this case only; may be given again")
    parser.add_argument("--json", action="store_true", help="print judgements as JSON")
    parser.add_argument("--out", type=Path, help="write the page to this file, not to stdout")
    options = parser.parse_args()
    chosen = [half for half in HALVES if options.half in (None, half)]
    with ProcessPoolExecutor(max_workers=len(chosen)) as pool:
        judged_halves = pool.map(judge_half, chosen, [options.case] * len(chosen))
        halves = {half: found for half, found in zip(chosen, judged_halves, strict=True) if found}
    if options.json:
        print(json.dumps({name: [one.to_json() for one in all_] for name, all_ in halves.items()}))
    elif options.out is not None:
        options.out.write_text(written(halves), encoding="utf-8")
    else:
        print(written(halves), end="")
    return int(any(one.truth in ("FP", "FN") for all_ in halves.values() for one in all_))


if __name__ == "__main__":
    sys.exit(main())
