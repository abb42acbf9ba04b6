"""Several members on one machine: made, brought up, watched, hurt and healed."""
