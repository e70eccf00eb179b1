"""Requests and cases from a spreadsheet: read in memory, looked at whole, brought in all or nothing."""
