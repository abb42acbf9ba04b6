"""Our side of ISO 20022: what it speaks and what it reads.

Values of the port `Rail` on one side, bytes of messages on the other. What is not a clear word of
the bank raises OutsideFault(retry=True), which is silence. Source: docs/specs/bank.md.
"""
