"""`miaopei money`: what is still to come in, premium that arrived, and what was paid back."""
