"""What commands share: options, questions, and what a terminal shows."""
