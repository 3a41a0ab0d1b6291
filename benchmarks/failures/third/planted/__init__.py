"""Faults that the first two halves do not have."""
