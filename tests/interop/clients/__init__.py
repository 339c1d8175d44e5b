"""Scripts for the clients of others, each run by the interpreter that has its client."""
