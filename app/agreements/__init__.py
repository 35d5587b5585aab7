"""Projects and the terms under which they link."""
