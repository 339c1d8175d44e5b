"""The part that runs inside the confined processes: standard library only, started as a directory.

`python -S -s -P -B <this folder> <descriptor>` starts the base server (`__main__.py`). Its modules import one
another by bare name, because nothing of the project is importable where they run; the host never imports them.
"""
