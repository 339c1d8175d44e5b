"""What agents reach: MCP over HTTP and stdio, and nothing else."""
