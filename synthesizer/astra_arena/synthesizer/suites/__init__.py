"""Tasks over several environments that name the same things."""
