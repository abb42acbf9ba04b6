"""Certified checkpoints of our record told to a second, different ledger, and compared with it."""
