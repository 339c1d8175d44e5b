import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirement import requirement

ROOT = Path(__file__).parent.parent


@requirement("bench:figures")
@pytest.mark.slow
def test_a_quick_run_writes_every_figure_beside_its_floor(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert all(set(row) == {"value", "unit", "floor", "ratio"} for row in figures.values())
    for name in ("session start p50", "MCP call over HTTP p50", "memory per live episode"):
        assert figures[name]["ratio"] == figures[name]["value"] / figures[name]["floor"]
    assert {f"oracle rollouts, {n} at once" for n in (1, 16, 64)} <= set(figures)
