"""The electricity-use acquisition system over MQTT 5: signed batches of concentrators, by number.

Power-off and power-on readings become restorations of the outages on record. What names a customer
is kept sealed. Topics, forms and rules: docs/specs/outage.md, section 11.
"""
