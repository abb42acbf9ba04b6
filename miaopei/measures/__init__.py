"""What numbers mean: money, ratio, instant, place, identity. Imports nothing of ours but errors."""
