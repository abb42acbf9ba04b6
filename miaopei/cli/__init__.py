"""The command line: reads arguments, shows results. What a command does lives in lower storeys."""
