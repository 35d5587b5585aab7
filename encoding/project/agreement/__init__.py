"""The signed agreement, and whether the broker and other parties keep to it."""
