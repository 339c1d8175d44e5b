"""Bundles and suites on disk: written, verified, looked at."""
