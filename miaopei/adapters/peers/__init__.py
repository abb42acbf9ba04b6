"""Connections between members, beside the engine: blobs and the wrapped keys that open them."""
