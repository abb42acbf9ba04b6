"""A planned outage as a day that can be followed: its steps, its picture, its page, its events."""
