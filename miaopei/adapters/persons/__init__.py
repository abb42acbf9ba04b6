"""Persons outside the database server: the master key that opens them, and persons in memory."""
