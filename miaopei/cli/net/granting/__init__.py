"""Granting others a listing's book, and settlements made again by who reads it."""
