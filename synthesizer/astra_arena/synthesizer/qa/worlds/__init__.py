"""Answered sub-questions become a world, tools that read it, and calls that find answers."""
