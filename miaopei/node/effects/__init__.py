"""What a member does at the edge and sends back as acts: holding, deciding, paying."""
