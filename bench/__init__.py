"""Measurements a user can run. They print figures and ratios; they fail on nothing."""
