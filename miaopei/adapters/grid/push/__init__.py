"""Messages that come over HTTP: whose signature counts, the door, and asking again for gaps."""
