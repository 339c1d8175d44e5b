"""Solvers of graded strength: they see the prompt and the tools, and never the gold."""
