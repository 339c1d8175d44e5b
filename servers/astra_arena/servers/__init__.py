"""Bundles and suites become MCP servers; episodes and the control plane."""

__all__: list[str] = []
