"""Fetching: what the log names and is not here comes from the other members."""
