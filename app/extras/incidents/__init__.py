"""What a leaked upload, secret or key reached."""
