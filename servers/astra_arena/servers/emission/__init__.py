"""Folders that serve an environment by themselves."""
