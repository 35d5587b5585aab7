"""Where the three programs start."""
