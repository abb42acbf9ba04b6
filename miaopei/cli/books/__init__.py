"""Books on the command line: policies brought in from files."""
