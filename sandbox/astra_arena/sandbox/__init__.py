"""Runs untrusted tool code; knows nothing of MCP.

Names are imported when they are first used: a stdio server needs few of them, and starts often.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astra_arena.sandbox.conformance import CHECKS
    from astra_arena.sandbox.conformance_support import Check, SandboxFactory
    from astra_arena.sandbox.contract import (
        Broke,
        BrokeKind,
        Execution,
        Failed,
        Limits,
        Program,
        ReplayCall,
        ReplayOutcome,
        Sandbox,
        Session,
        Succeeded,
    )
    from astra_arena.sandbox.hibernation import IdleSessions
    from astra_arena.sandbox.isolation import CallPlan, isolation_findings
    from astra_arena.sandbox.process_sandbox import ProcessSandbox
    from astra_arena.sandbox.process_session import ProcessSession
    from astra_arena.sandbox.recovery import Delivery, DurableSession, IdlePolicy, open_branch
    from astra_arena.sandbox.remote_sandbox import RemoteSandbox
    from astra_arena.sandbox.remote_session import RemoteSession
    from astra_arena.sandbox.scripted import Script, ScriptedReply, ScriptedSandbox, ScriptedSession
    from astra_arena.sandbox.snapshots import Snapshot
    from astra_arena.sandbox.worker import SandboxWorker

__all__ = [
    "CHECKS",
    "Broke",
    "BrokeKind",
    "CallPlan",
    "Check",
    "Delivery",
    "DurableSession",
    "Execution",
    "Failed",
    "IdlePolicy",
    "IdleSessions",
    "Limits",
    "ProcessSandbox",
    "ProcessSession",
    "Program",
    "RemoteSandbox",
    "RemoteSession",
    "ReplayCall",
    "ReplayOutcome",
    "Sandbox",
    "SandboxFactory",
    "SandboxWorker",
    "Script",
    "ScriptedReply",
    "ScriptedSandbox",
    "ScriptedSession",
    "Session",
    "Snapshot",
    "Succeeded",
    "isolation_findings",
    "open_branch",
]

_HOMES = {
    "conformance": ("CHECKS",),
    "conformance_support": (
        "Check",
        "SandboxFactory",
    ),
    "contract": (
        "Broke",
        "BrokeKind",
        "Execution",
        "Failed",
        "Limits",
        "Program",
        "ReplayCall",
        "ReplayOutcome",
        "Sandbox",
        "Session",
        "Succeeded",
    ),
    "hibernation": ("IdleSessions",),
    "isolation": (
        "CallPlan",
        "isolation_findings",
    ),
    "process_sandbox": ("ProcessSandbox",),
    "process_session": ("ProcessSession",),
    "recovery": (
        "Delivery",
        "DurableSession",
        "IdlePolicy",
        "open_branch",
    ),
    "remote_sandbox": ("RemoteSandbox",),
    "remote_session": ("RemoteSession",),
    "scripted": (
        "Script",
        "ScriptedReply",
        "ScriptedSandbox",
        "ScriptedSession",
    ),
    "snapshots": ("Snapshot",),
    "worker": ("SandboxWorker",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
