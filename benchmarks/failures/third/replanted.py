"""Operators of the first two halves in the third half's loops."""
