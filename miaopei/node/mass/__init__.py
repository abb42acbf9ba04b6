"""A whole book at once: its batches held, its columns kept, a trigger decided for every policy."""
