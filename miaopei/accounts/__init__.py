"""Money, double entry: chart, entries, postings, balances; and the values spoken to a bank.

Pure: no clock, no network, no database. Who posts what, and when, is said by `acts`.
"""
