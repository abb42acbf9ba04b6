"""PostgreSQL: a server of our own, its tables, and the store that a member's record lives in.

`starter` runs a server, `schema` makes the tables, `store` is what `node` works with.
"""
