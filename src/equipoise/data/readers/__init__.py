"""One reader a form of source; each hands over `RawData`."""
