"""Shares of epochs' secrets: carried from holder to holder, and never opened."""
