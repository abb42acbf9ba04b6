"""Keeping the members of a net: brought in, examined, backed up and restored, mended."""
