"""The checks, one file each; the file is named after the check."""
