"""What is shown of a net to whoever looks at it."""
