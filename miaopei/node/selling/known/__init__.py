"""What is known of a customer before an application is answered, and how names are compared."""
