"""`miaopei invoice`: calls of data metered, billed by the month, disputed and counted again."""
