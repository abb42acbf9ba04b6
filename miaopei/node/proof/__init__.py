"""What a member shows of its record: receipts, lineage, rebuilding, inspection."""
