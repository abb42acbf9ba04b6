"""What applied acts name beside the log, against what lies here: damage of ours, or unfit words."""
