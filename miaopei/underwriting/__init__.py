"""Whom an insurer takes and for how much: offers as data, and the answers that follow from them."""
