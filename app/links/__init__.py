"""Link IDs: drawn from a run's groups, released to the parties that the terms name."""
