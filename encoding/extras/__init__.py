"""Features that a first linkage never meets; `encoding.features` lists and loads them."""
