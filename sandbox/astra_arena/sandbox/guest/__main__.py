"""Starts the base server with the names of the project's modules, but without the project."""

import importlib
import os
import sys
from types import ModuleType

_HERE = os.path.dirname(os.path.abspath(__file__))


def _start() -> None:
    # The parents are empty shells: their real bodies import packages that do not exist here.
    sandbox = os.path.dirname(_HERE)
    shells = {"astra_arena": os.path.dirname(sandbox), "astra_arena.sandbox": sandbox}
    for name, folder in shells.items():
        shell = ModuleType(name)
        shell.__path__ = [folder]
        sys.modules[name] = shell
    servers = importlib.import_module("astra_arena.sandbox.guest.servers")
    # Tool code must import nothing of the project, neither by its name nor from this folder.
    for name in shells:
        sys.modules[name].__path__ = []
    del sys.path[0]
    servers.serve_base(control=int(sys.argv[1]), host=int(sys.argv[2]))


_start()
