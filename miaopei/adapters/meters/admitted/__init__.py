"""Who may speak at the broker, with which keys and certificates, and of which customers."""
