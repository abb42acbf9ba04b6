"""What pages and API show, read from one snapshot: plain values, no HTML, no language chosen.

A view never decides anything: it reads the record, and says where a thing stands in it.
"""
