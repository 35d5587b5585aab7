"""Data exchanged by link ID: columns handed over and attached, and the files of blind releases."""
