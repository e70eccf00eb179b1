"""`python -m config.healthcheck desk:8000`: whether desk, worker and timetable work; for the containers.

Standard library only: it runs once a minute in every container and must cost nothing.
"""

import http.client
import os
import sys

TIMEOUT_SECONDS = 8


def status(address: str, host: str) -> int:
    """What /healthz answers; asked like the proxy asks, so that the answer is not a redirect to HTTPS."""
    asked = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        asked.request("GET", "/healthz", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return asked.getresponse().status
    finally:
        asked.close()


if __name__ == "__main__":
    host = os.environ.get("ALLOWED_HOSTS", "localhost").partition(",")[0].strip()
    sys.exit(status(sys.argv[1], host) != http.client.OK)
