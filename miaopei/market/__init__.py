"""Who carries the risk, and how caps, shares and household lists divide money to the last fen.

Not here: what the terms promise (`terms`), what is owed (`claims`), who is paid how (`node`).
"""
