"""The documentation's generated pages, made from the code each time the site is built (see `hooks.py`)."""
