"""Alembic's folder: `env` joins it to a connection of ours, `versions` holds the changes."""
