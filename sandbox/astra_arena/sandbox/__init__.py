"""Runs untrusted tool code; knows nothing of MCP."""

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
