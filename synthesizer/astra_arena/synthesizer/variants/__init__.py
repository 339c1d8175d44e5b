"""Variants of tasks, each proved by execution: withheld tools, untold values, faults and more."""
