"""The experiments, one a file; a file here that registers a class is all that a new one needs."""
