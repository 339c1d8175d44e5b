"""Shipped questions become environments, are served, and are played by the oracle.

    python -m scripts.synth_qa build/synth-qa

StrategyQA questions, their translations and seeds go through all stages, with replies from the
shipped transcript in the place of a model; GSM8K and TAT-QA bring their programs. Exit code 1 says
that some task did not earn 1.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from astra_arena.servers.bundles.bundle import load_bundle
from astra_arena.servers.server_process import start_server_process
from astra_arena.synthesizer.shipped_data import shipped_questions
from scripts.commands import arena

AUTHORED = shipped_questions("strategyqa").parent / "authored"
IMPORTED = ("gsm8k", "tatqa")


def synthesized(out: Path) -> list[Path]:
    """Make all environments; return their folders."""
    for name in ("questions", "seeds"):
        transcript = ("--transcript", AUTHORED / "transcript.jsonl")
        ledger = ("--ledger", out / f"{name}.ledger.jsonl")
        source = AUTHORED / f"{name}.jsonl"
        print(arena("synth", "qa", source, "--out", out / name, *transcript, *ledger))
    for name in IMPORTED:
        instances = out / f"{name}.jsonl"
        print(
            arena("import", "qa", shipped_questions(name), "--out", instances, "--licence", "MIT")
        )
        print(arena("synth", "qa", instances, "--out", out / name, "--tasks", "20"))
    return sorted(path.parent for path in out.glob("*/*/environment.json"))


def played(bundles: Sequence[Path]) -> bool:
    """Serve all environments at once; tell whether the oracle earns 1 on every task."""
    is_right = True
    with start_server_process(bundles) as server:
        for path in bundles:
            bundle = load_bundle(path)
            told = json.loads(
                arena(
                    *(
                        "rollout",
                        path,
                        "--control",
                        server.addresses.control,
                        "--token",
                        server.token,
                    ),
                    *("--environment", bundle.name, "--agent", "oracle", "--json"),
                )
            )
            figures = told["agents"]["oracle"]
            is_right &= figures["mean_reward"] == 1.0 and figures["void"] == 0
            print(f"{bundle.name}: {len(bundle.tasks)} tasks, oracle {figures['mean_reward']:.3f}")
    return is_right


def main() -> int:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/synth-qa")
    bundles = synthesized(out)
    return 0 if played(bundles) else 1


if __name__ == "__main__":
    sys.exit(main())
