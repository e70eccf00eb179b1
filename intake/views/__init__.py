"""The pages that strangers reach: the form, and the mailbox behind a return phrase.

No account, no cookie, no script. What is sent is sealed before anything else is done with it; what was sent
is never shown again, to nobody. A phrase that nobody has leads to an empty mailbox, like everybody's before
the first answer, and what is put into that one opens a new request: so no page tells a right phrase from a
wrong one, and nothing that was accepted is lost.
"""
