"""The agency's command line."""
