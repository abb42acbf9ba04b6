"""What a receipt is collected from: rows of sealed lists, and where things stand in the log."""
