"""A run in a process of its own is killed and goes on."""

import signal
import subprocess
import sys
from pathlib import Path

from astra_arena.client.authors.ledger import read_ledger
from astra_arena.client.authors.scripted_server import ScriptedModelServer
from astra_arena.client.authors.server_faults import ServerFault, listed_faults
from tests.client.authors.asking import countries, said, write_transcript
from tests.support.requirement import requirement

ITEMS = 30
AT_ONCE = 4
LONGEST_PROMPT = 10

RUN = """
import sys
from pathlib import Path

import anyio

from astra_arena.client.authors.model_options import ModelOptions, open_author
from tests.client.authors.asking import capital_of, countries

folder = Path(sys.argv[2])
options = ModelOptions(
    model="scripted",
    base_url=sys.argv[1],
    concurrency=int(sys.argv[4]),
    cache=folder / "cache",
    ledger=folder / "ledger.jsonl",
)


async def main():
    async with open_author(options) as author:
        async def ask(name):
            answer = await author.ask(capital_of(name))
            author.ledger.settle(name, accepted=True)
            print(name, answer.text, flush=True)

        async with anyio.create_task_group() as group:
            for name in countries(int(sys.argv[3])):
                group.start_soon(ask, name)


anyio.run(main)
"""


def start(server: ScriptedModelServer, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, server.base_url, str(folder), str(ITEMS), str(AT_ONCE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@requirement("authors:resume", "authors:cache", "authors:ledger")
def test_a_killed_run_goes_on_and_loses_at_most_what_was_under_way(tmp_path: Path) -> None:
    lines = [
        said(f'{{"city":"City","people":{number}}}', item=name)
        for number, name in enumerate(countries(ITEMS))
    ]
    transcript = write_transcript(tmp_path / "t.jsonl", *lines)
    faults = listed_faults({"*": [ServerFault("latency", 0.05)] * 9})
    with ScriptedModelServer(transcript, faults=faults) as server:
        with start(server, tmp_path) as killed:
            assert killed.stdout is not None
            before = [killed.stdout.readline() for _ in range(10)]
            killed.send_signal(signal.SIGKILL)
            before += killed.stdout.read().splitlines()
        assert killed.returncode == -signal.SIGKILL
        then, spent = server.served, read_ledger(tmp_path / "ledger.jsonl").total
        resumed = start(server, tmp_path)
        after = resumed.communicate(timeout=60)[0].splitlines()
        now = server.served
        again = start(server, tmp_path)
        cached = again.communicate(timeout=60)[0].splitlines()
        last = server.served
    assert (resumed.returncode, again.returncode) == (0, 0)
    assert len(after) == ITEMS
    assert {line.strip() for line in before} <= set(after)
    # What was under way when the run was killed is asked again, and nothing else is.
    assert now.requests <= ITEMS + AT_ONCE
    assert then.requests <= spent.attempts <= now.requests
    assert spent.unmetered <= AT_ONCE
    summary = read_ledger(tmp_path / "ledger.jsonl")
    resumed_attempts = summary.total.attempts - spent.attempts
    assert summary.total.cached == ITEMS + (ITEMS - resumed_attempts)
    # To the token for the second run: what only the killed one left is untold.
    untold = now.prompt_tokens - summary.total.prompt_tokens
    assert 0 <= untold <= AT_ONCE * LONGEST_PROMPT
    # A third run is answered from the cache alone.
    assert sorted(cached) == sorted(after)
    assert last == now
    assert (summary.accepted.items, summary.total.failed) == (ITEMS, 0)
