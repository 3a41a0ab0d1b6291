"""The report of a run as one HTML page: verdict, evidence, and how everything moved. No torch here."""

from equipoise.report.page import render_page, write_report

__all__ = ["render_page", "write_report"]
