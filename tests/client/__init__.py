"""Tests of agents, the harness, collecting, stores and the verbs."""
