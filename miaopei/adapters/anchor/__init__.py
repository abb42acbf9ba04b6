"""A second ledger: checkpoints of our record on an EVM chain, behind the port `Anchor`."""
