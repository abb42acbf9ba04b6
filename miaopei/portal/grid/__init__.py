"""Sources and the devices behind them: who is heard now, and what of whom is missing."""
