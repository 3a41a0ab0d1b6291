"""The record of a run: signal catalogue, SQLite store, and what checks see of it. No torch here."""
