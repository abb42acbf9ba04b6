"""The covers on the shelf: one file each, values only, every figure with unit, source and date.

How to add one: docs/how-to/add-a-product.md. Not here: the language (`terms`), anything that runs.
"""
