"""Help in Chinese: what `--help` shows of groups and options, one language at a time."""
