"""The engine's own files, looked at from outside: its blocks, and what it has signed."""
