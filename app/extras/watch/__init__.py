"""A log that is looked at again and again."""
