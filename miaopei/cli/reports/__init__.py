"""`miaopei report`: what a record adds up to."""
