"""Sandboxes of the grid: each system and the SMS gateway as a process of its own, with its store.

They import nothing of the house and share no message code with it: what both know is
docs/specs/outage.md. Scriptable to be slow, dead, lying or to say things twice. Run one with
`python -m miaopei.adapters.sandbox_grid --role ROLE --data DIR`, or with `starter`. Roles: command,
meters, concentrators, sms.
"""
