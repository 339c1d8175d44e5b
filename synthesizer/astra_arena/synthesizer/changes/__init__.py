"""Tasks that change the world: what to change is found first, and the state afterwards is gold."""
