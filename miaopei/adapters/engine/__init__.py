"""The consortium's engine: a CometBFT process beside each member's node. It orders, we apply."""
