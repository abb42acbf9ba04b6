"""Putting acts in order: the solo orderer, and what every orderer does with a block it has made."""
