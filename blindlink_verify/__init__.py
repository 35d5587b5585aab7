"""The independent verifier: the standard library and cryptography, and nothing else of Blindlink."""
