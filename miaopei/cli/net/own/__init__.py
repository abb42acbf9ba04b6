"""One member on a machine of its own: what it hands to the others, and what it does by itself."""
