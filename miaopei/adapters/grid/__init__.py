"""The grid's two systems as sources: their messages read, pushed over HTTP, taken, asked for again.

What a message says of customers leaves this room only as subject tokens on sealed lists. Fields and
profile: docs/specs/outage.md, sections 5 to 8.
"""
