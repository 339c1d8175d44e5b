"""`README.md` of an emitted folder: what it is, and how it is run."""

import json
from collections.abc import Sequence

from astra_arena.servers.bundles.suite import Source, members_of, offered_specs

_RUN = """\
## Run

Install from inside this folder; only the package index is needed:

```
python3 -m venv .venv
.venv/bin/pip install -r requirements.txt
```

One episode over stdio, for any MCP host (put in absolute paths):

```json
{config}
```

Every call is in the journal before its reply is sent. {scoring}

Many episodes over HTTP, with a control plane for harnesses (`arena rollout --control`):

```
.venv/bin/arena serve {served}
```

In containers, with tool code in one that has no network (see `docker-compose.yml`):

```
python3 -c 'import secrets; print(secrets.token_hex())' > sandbox_token && chmod 644 sandbox_token
ARENA_TOKEN=... docker compose up --build
```
"""
_GOLD = "`tasks.jsonl` holds gold: agents must not be able to read this folder."
_NO_GOLD = "This folder holds no gold: what decides rewards is in the full bundle alone."
_SCORING = "It is scored with:\n`arena score journals/*.jsonl --bundle {bundle}`."


def folder_readme(source: Source, registry_name: str) -> str:
    """Return the README of one server folder."""
    scoring = _SCORING.format(bundle="." if source.holds_gold else "FULL_BUNDLE")
    task = source.tasks[0].id if source.tasks else "TASK"
    arguments = [f"/path/to/{source.name}/server.py", "--task", task, "--journal", "/path/journals"]
    server = {"command": f"/path/to/{source.name}/.venv/bin/python3", "args": arguments}
    config = json.dumps({"mcpServers": {source.name: server}}, indent=2)
    return "\n".join(
        [
            f"# {source.title}",
            "",
            source.description,
            "",
            f"{len(source.tasks)} tasks. {_GOLD if source.holds_gold else _NO_GOLD}",
            "",
            "## Tools",
            "",
            "| tool | what it does | writes |",
            "|---|---|---|",
            *_tools(source),
            "",
            "## Licence",
            "",
            *_licences(source),
            "",
            _RUN.format(config=config, scoring=scoring, served="."),
            f"<!-- mcp-name: {registry_name} -->",
            "",
        ]
    )


def deployment_readme(sources: Sequence[Source], *, left_out: int, apart: bool) -> str:
    """Return the README of a folder that holds several server folders.

    Args:
        sources: What is in it.
        left_out: How many tasks are not, because they span several environments.
        apart: Whether each environment has a service of its own.
    """
    lines = ["# Environments", "", "| folder | environment | tasks |", "|---|---|---|"]
    lines += [f"| `{one.name}/` | {one.title} | {len(one.tasks)} |" for one in sources]
    lines += ["", "Each folder runs by itself, see its README. All together:", "", "```"]
    make = "python3 -c 'import secrets; print(secrets.token_hex())' > sandbox_token"
    lines += [f"{make} && chmod 644 sandbox_token", "ARENA_TOKEN=... docker compose up --build"]
    lines += ["```", ""]
    if apart:
        lines += [
            f"Each environment has a service of its own. {left_out} tasks of suites are left out: "
            "those that span several environments cannot be played here.",
            "",
        ]
    return "\n".join(lines)


def _tools(source: Source) -> list[str]:
    return [
        f"| `{spec.name}` | {_cell(spec.description)} | {'no' if spec.read_only else 'yes'} |"
        for spec in offered_specs(source)
    ]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _licences(source: Source) -> list[str]:
    licences = [(member.title, member.environment.licence) for member in members_of(source)]
    return [
        f"- {title}: {licence.name}{f' ({licence.source})' if licence.source else ''}"
        for title, licence in licences
    ]
