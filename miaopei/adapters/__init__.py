"""The outside, behind ports: stores, orderers, feeds, rails, files, keys, clock."""
