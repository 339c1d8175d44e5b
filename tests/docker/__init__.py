"""Containers, tried in a real Docker engine; `make test-docker`."""
