"""Links and columns as of a day, kept for a study."""
