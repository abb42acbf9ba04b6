"""Files beside the engine and its own, looked at from outside: what a node is told, its blocks,
and what it has signed.
"""
