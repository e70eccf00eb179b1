"""Legal rules as pure functions: dates in, answers out; no Django, no clock, no network.

`stay` assesses legal stay, `procedure` procedural deadlines, `document` ends of documents; `doubts` says what
looks wrong in the facts; `wire` reads and writes them as JSON; `reference` chooses among rows given to it.
Nothing here is legal advice.
"""
