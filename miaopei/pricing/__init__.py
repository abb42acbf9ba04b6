"""What a cover should cost: event sets, years that never were, curves, premiums, basis risk.

Amounts are integers of fen and come from the very readings that pay. Rates, chances and errors are
decimals of fixed precision, never binary fractions, so a seed gives the same bytes on every
machine. Not here: files, pictures, processes (`adapters`), what becomes due (`claims`).
"""
