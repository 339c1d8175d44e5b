import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from astra_arena.client.authors.author import Usage
from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat import ChatReply
from astra_arena.core.canonical import digest_of
from tests.support.requirement import requirement

KEY = digest_of("some request")
REPLIES = (ChatReply("no\ud800", "stop", Usage(3, 1)), ChatReply('{"a":1}', None, None))


def entry(cache: ReplyCache) -> Path:
    (path,) = cache.folder.rglob("*.json")
    return path


@requirement("authors:cache")
def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "cache")
    assert cache.get(KEY) is None
    assert cache.put(KEY, REPLIES) == REPLIES
    assert ReplyCache(tmp_path / "cache").get(KEY) == REPLIES


@requirement("authors:cache")
def test_the_first_entry_stays(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path)
    cache.put(KEY, REPLIES)
    assert cache.put(KEY, REPLIES[1:]) == REPLIES
    assert cache.get(KEY) == REPLIES


@requirement("authors:cache")
@pytest.mark.parametrize("size", [0, 1, 40, -2])
def test_a_cut_entry_is_told_of_and_replaced(
    tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ReplyCache(tmp_path)
    cache.put(KEY, REPLIES)
    path = entry(cache)
    path.write_bytes(path.read_bytes()[:size])
    with caplog.at_level(logging.WARNING):
        assert cache.get(KEY) is None
    assert str(path) in caplog.text
    assert cache.put(KEY, REPLIES) == REPLIES
    assert cache.get(KEY) == REPLIES


@requirement("authors:cache")
def test_a_changed_entry_and_one_under_another_name_are_damaged(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path)
    cache.put(KEY, REPLIES)
    path = entry(cache)
    sound = path.read_bytes()
    changed = json.loads(sound)
    changed["replies"][1]["text"] = '{"a":2}'
    path.write_text(json.dumps(changed), encoding="utf-8")
    assert cache.get(KEY) is None
    other = digest_of("another request")
    cache.put(other, REPLIES)
    path.write_bytes(sound.replace(KEY.encode(), other.encode()))
    assert cache.get(KEY) is None


@requirement("authors:cache")
def test_an_entry_that_was_dropped_is_gone(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path)
    cache.put(KEY, REPLIES)
    cache.drop(KEY)
    cache.drop(KEY)
    assert cache.get(KEY) is None


WRITER = """
import sys
from pathlib import Path
from astra_arena.client.authors.cache import ReplyCache
from astra_arena.client.authors.chat import ChatReply
from astra_arena.core.canonical import digest_of

cache, name = ReplyCache(Path(sys.argv[1])), sys.argv[2]
sys.stdin.readline()
for number in range(300):
    held = cache.put(digest_of(number), (ChatReply(f"{name} {number} " + "x" * 20_000),))
    print(held[0].text[:20].split()[0])
"""


@requirement("authors:cache")
def test_two_processes_agree_on_every_entry(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    left, right = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    cache = ReplyCache(tmp_path)
    held = [cache.get(digest_of(number)) for number in range(300)]
    assert [replies[0].text.split()[0] for replies in held if replies] == left == right
    assert [path for path in tmp_path.rglob("*") if path.suffix not in ("", ".json")] == []
