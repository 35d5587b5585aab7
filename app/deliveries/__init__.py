"""Listed columns on their way from agency to agency: sealed, kept, handed to their recipient, destroyed."""
