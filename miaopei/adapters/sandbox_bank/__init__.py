"""A sandbox bank: a process of its own, with its own store, that can be told to misbehave.

It imports nothing of the house and shares no message code with it: what the two know of each other
is the protocol in docs/specs/bank.md. No real money moves, and every answer says so.
Run it with `python -m miaopei.adapters.sandbox_bank --data DIR`, or from code with `starter.start`.
"""
