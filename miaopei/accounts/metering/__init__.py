"""What a data provider bills an insurer: calls counted, rates as data, invoices by the month.

Pure and integral: fen, users, records, Beijing months. Source: docs/specs/metering.md.
"""
