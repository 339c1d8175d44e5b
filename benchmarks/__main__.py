"""Run all benchmarks, print the table and write `build/bench.json`."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    authoring_figures,
    host_figures,
    mcp_figures,
    memory_figures,
    rollout_figures,
    sandbox_figures,
    scale_figures,
    server_figures,
    synthesis_figures,
)
from benchmarks.bundles import write_echo, write_scan
from benchmarks.figures import Figures


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--quick", action="store_true", help="few repetitions: does it run at all")
    options = parser.parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as name:
        folder = Path(name)
        _say("synthesis")
        flights = synthesis_figures.run(figures, folder, quick=options.quick)
        echo, scan = write_echo(folder), write_scan(folder, flights)
        _say("stages with a model")
        authoring_figures.run(figures, folder, quick=options.quick)
        _say("sandbox")
        sandbox_figures.run(figures, echo.program(), flights.program(), quick=options.quick)
        _say("full host")
        scale_figures.run(figures, echo.program(), scan.program(), quick=options.quick)
        _say("MCP")
        mcp_figures.run(figures, echo, folder, quick=options.quick)
        _say("servers")
        server_figures.run(figures, echo, quick=options.quick)
        _say("many environments and episodes")
        host_figures.run(figures, echo, folder, quick=options.quick)
        _say("rollouts")
        rollout_figures.run(figures, flights, folder, quick=options.quick)
        _say("memory")
        memory_figures.run(figures, scan, quick=options.quick)
    figures.write(options.out)
    figures.show()
    _say(f"written to {options.out}")


def _say(text: str) -> None:
    print(f"[bench] {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
