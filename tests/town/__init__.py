"""A town of members in one process: real acts, nodes, decisions and outboxes, all else made up.

Network, clocks, disks, engine order and bank are simulated and hurt by chance from one seed, and
one seed replays a run to the byte. Checkers look after every step.
"""
