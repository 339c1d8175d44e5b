"""What every client's script does: read a job from stdin, play its steps, print what came back.

A job is `{"url": …}` or `{"command": …, "args": […]}` with `steps`, lists of calls that are made at
the same time; with `forms`, the client shows forms to its user. Each script is run by the
interpreter that has its client installed.
"""

import asyncio
import json
import sys


async def play(steps, call):
    """Make the calls step by step; `call(tool, arguments)` returns `reply(…)`."""
    replies = []
    for step in steps:
        replies += await asyncio.gather(*(call(one["tool"], one["arguments"]) for one in step))
    return replies


def reply(error, text):
    """Return what a model would be told of one call."""
    return {"error": bool(error), "text": text}


def text_of(content):
    """Return the text of MCP content blocks."""
    return "\n".join(block.text for block in content if block.type == "text")


class User:
    """Agrees to every form and types nothing, so that the task's user tells."""

    def __init__(self):
        self.asked = []

    def sees(self, form):
        self.asked.append(form)


USER = User()


def run(main):
    """Run `main(job)`, which returns the names of the tools and the replies."""
    tools, replies = asyncio.run(main(json.load(sys.stdin)))
    print(json.dumps({"tools": tools, "replies": replies, "asked": USER.asked}))
