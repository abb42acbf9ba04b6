"""One member's running self: submit, order, apply, decide, pay. Rules live in `acts`, not here."""
