"""The tables of the inbox: what became of requests, who they may be, and how many there were."""

from inbox.models.marks import RequestMark, RequestTrace
from inbox.models.outcome import RequestOutcome
from inbox.models.tally import RequestTally

__all__ = ["RequestMark", "RequestOutcome", "RequestTally", "RequestTrace"]
