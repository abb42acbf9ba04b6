"""Everyday commands on the folder of a consortium's member, beside its running node."""
