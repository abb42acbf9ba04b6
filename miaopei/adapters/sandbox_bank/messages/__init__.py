"""The bank's own ISO 20022 messages: documents that it writes and reads.

Nothing here is shared with the house; both sides check against the standard's published schemas.
"""
