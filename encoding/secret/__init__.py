"""The secret that only the agencies share: its file, the agreement on it, and what a workspace keeps of it."""
