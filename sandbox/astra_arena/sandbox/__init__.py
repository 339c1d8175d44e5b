"""Runs untrusted tool code; knows nothing of MCP."""

from astra_arena.sandbox.contract import (
    Broke,
    BrokeKind,
    Execution,
    Failed,
    Limits,
    Program,
    Sandbox,
    Session,
    Succeeded,
)
from astra_arena.sandbox.process_sandbox import ProcessSandbox, ProcessSession

__all__ = [
    "Broke",
    "BrokeKind",
    "Execution",
    "Failed",
    "Limits",
    "ProcessSandbox",
    "ProcessSession",
    "Program",
    "Sandbox",
    "Session",
    "Succeeded",
]
