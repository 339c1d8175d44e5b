"""Runs untrusted tool code; knows nothing of MCP."""

__all__: list[str] = []
