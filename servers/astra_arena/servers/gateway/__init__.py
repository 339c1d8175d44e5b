"""External MCP servers as environments: wrapped, called, recorded and replayed."""
