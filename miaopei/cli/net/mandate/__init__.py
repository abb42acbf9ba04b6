"""A standby payer made able to pay: whom and where the payer pays, and which bank."""
