"""The outside of pricing: a user's own tables, pictures, and work spread over processes."""
