"""Agents, rollouts, exports and trainer adapters."""

__all__: list[str] = []
