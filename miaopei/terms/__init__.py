"""The promise as a value, and its readings. `words` is the language, `exact` its meaning.

Not here: the products that are written in it (`products`), the evidence that feeds it (`evidence`).
Source: docs/specs/terms.md.
"""
