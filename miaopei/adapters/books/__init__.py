"""Files of policies: CSV, Parquet and OED location files, row by row with every fault named."""
