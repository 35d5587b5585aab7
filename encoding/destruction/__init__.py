"""What an agency removes, and how it is shown that it is gone: copies here, certificates of the broker."""
