"""One file a change of the tables, in order. A change that has been released is never edited."""
