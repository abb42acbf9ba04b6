"""Who is covered: policy transactions, the book they form, and the schedule of columns."""
