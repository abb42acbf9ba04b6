"""Proof for a stranger, on the command line: receipts handed out, and the audit."""
