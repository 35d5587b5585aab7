"""Who may do what, and the keys under which encodings rest."""
