"""Programs of the peers, each run in its own environment."""
