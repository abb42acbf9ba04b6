"""Newer forms of acts, of the same kind and body: where members have seats, no one word decides.

More than two thirds of the votes must want it, or each whom a listing would bind. In a record
without seats they do as the older form beside this room, which earlier rule sets go by.
"""
