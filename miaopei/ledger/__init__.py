"""The provable record: leaves, tree, checkpoint, proofs, tiles, audit. Knows only bytes."""
