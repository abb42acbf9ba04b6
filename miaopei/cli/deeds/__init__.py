"""Acts by which a person decides what a live record leaves open, for the command line."""
