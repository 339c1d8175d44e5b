"""The part that runs inside the confined processes: it imports the standard library only.

The folder is executed, not imported: `python -S -s -P -B <this folder> <control> <host>` starts the
base server, from which all others are forked.
"""
