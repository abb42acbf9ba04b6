"""Buying over HTTP: offers, applications, policies, their changes; for programs and for people."""
