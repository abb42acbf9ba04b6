"""Reading a book by a grant: keys for whom it was granted, and settlements recomputed by them."""
