"""One file for each command or command group of `blindlink`."""
