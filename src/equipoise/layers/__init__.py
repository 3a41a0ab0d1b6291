"""Layers that see the whole batch or a condition."""
