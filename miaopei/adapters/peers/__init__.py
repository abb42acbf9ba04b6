"""Connections between members, beside the engine: blobs and the wrapped keys that open them,
how each stands, and what it has seen another sign.
"""
