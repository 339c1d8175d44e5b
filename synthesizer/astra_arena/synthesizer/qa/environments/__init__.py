"""Environments from questions that bring a program: worlds, tools, tasks and gold, by rule."""
