"""What an agency keeps on its computer: settings, the folder and its key, who can open it, backups."""
