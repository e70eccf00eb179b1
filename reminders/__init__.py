"""Reminders: the database is the truth, the broker is only a doorbell.

`planning` asks "what is due and has no row yet" and writes it into the ledger; `sending` claims rows, sends,
marks. Both may run any number of times, at once, and be killed anywhere: at worst a mail goes out twice.
"""
