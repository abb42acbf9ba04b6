"""What a measurement asks of running members: a load to offer, covers to sell, blocks to tell."""
