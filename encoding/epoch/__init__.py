"""How an epoch comes to its secret: shares exchanged, encoding compared by a self-test, its status."""
