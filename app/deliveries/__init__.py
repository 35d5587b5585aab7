"""Listed columns on their way from an agency: sealed, kept, handed to their recipient, destroyed."""
