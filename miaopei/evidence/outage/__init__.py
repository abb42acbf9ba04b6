"""Outages: which plan counts, when power was back, and lists with a row for each customer."""
