"""From matches to link IDs beside record IDs: claims exchanged, links written, changed, taken back."""
