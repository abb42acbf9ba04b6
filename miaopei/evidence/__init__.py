"""What was seen, who vouches for it, and what it says for one contract. Pure: reads no feed."""
