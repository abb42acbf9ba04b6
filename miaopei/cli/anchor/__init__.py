"""`miaopei anchor`: checkpoints on a second ledger, and both sides compared."""
