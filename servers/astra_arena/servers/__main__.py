"""`python -m astra_arena.servers serve …`: the `arena` command without its console script."""

from astra_arena.core.cli import main

main()
