"""Miaopei (秒赔): a programmable insurance exchange that pays by itself, and can prove it."""

__version__ = "0.1.0"
