"""Release gates: what an environment and its tasks must pass before anybody is given them."""
