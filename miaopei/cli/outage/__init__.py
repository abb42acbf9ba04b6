"""Commands of the outage line: sources trusted, files taken, pushes and meters listened to."""
