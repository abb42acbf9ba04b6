"""What the record says, put together for people: registers and lineage. Reads, never decides."""
