"""Plots as SVG text, drawn on the server in two widths; each has a table beside it that says more.

Coordinates are for the eye only: nothing is computed here that is shown as a number.
"""

WIDE, NARROW = 720, 350
