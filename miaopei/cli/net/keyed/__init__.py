"""A member's key for its acts changed: by its own word, or by the votes of the others."""
