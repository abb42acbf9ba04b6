"""What is owed: case, trigger, claim, decision, payout, receipt. Knows no bank and no database."""
