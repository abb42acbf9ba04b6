"""Members' life on one machine: who comes, goes and changes keys, and what votes decide."""
