"""Foster care statuses for student systems."""
