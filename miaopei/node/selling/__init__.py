"""Selling: applications are taken, premium is collected, rows are brought in force."""
