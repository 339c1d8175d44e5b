"""Runs untrusted tool code; knows nothing of MCP."""

from astra_arena.sandbox.conformance import CHECKS, Check, SandboxFactory
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
from astra_arena.sandbox.process_sandbox import ProcessSandbox
from astra_arena.sandbox.process_session import ProcessSession
from astra_arena.sandbox.recovery import Delivery, DurableSession
from astra_arena.sandbox.scripted import Script, ScriptedReply, ScriptedSandbox, ScriptedSession

__all__ = [
    "CHECKS",
    "Broke",
    "BrokeKind",
    "Check",
    "Delivery",
    "DurableSession",
    "Execution",
    "Failed",
    "Limits",
    "ProcessSandbox",
    "ProcessSession",
    "Program",
    "ReplayCall",
    "ReplayOutcome",
    "Sandbox",
    "SandboxFactory",
    "Script",
    "ScriptedReply",
    "ScriptedSandbox",
    "ScriptedSession",
    "Session",
    "Succeeded",
]
