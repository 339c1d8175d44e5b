"""The loop of a fork server."""

import subprocess
import sys

REUSED_NUMBER = """
import os, socket
from astra_arena.sandbox.guest.forking import ForkServer

def never(request, fds):
    raise AssertionError(request)

host, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server = ForkServer(control, never)
first, first_peer = os.pipe()
second, second_peer = os.pipe()

def first_is_ready():
    os.read(first, 1)
    server.unwatch(second)
    os.close(second)
    newcomer, _ = os.pipe()
    assert newcomer == second
    server.watch(newcomer, lambda: bool(print("the newcomer was served", flush=True)))
    host.close()
    return True

server.watch(first, first_is_ready)
server.watch(second, lambda: bool(print("the one that is gone was served", flush=True)))
os.write(first_peer, b".")
os.write(second_peer, b".")
print("running", flush=True)
server.run()
"""


def test_a_descriptor_that_took_the_number_of_a_ready_one_is_not_taken_for_ready() -> None:
    command = [sys.executable, "-c", REUSED_NUMBER]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)
    assert done.stdout.split("\n") == ["running", ""]
