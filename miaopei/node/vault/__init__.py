"""What only its readers may open: sealed blobs and the keys that open them."""
