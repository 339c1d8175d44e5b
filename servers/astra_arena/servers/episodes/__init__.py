"""One attempt at one task: its sessions, conversation, log and verdict."""
