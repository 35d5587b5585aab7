"""Tables of counts of linked people, what is left out of them, and the attack on them."""
