"""Tool code that tries to get out, and what has to become of it."""
