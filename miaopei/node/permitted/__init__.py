"""Data of others that a person has consented to: their shapes, and the call that asks first."""
