"""What is private to this member, where it is more than a table of bytes."""
