"""Somebody with a browser without scripts, over a real socket: what is sent is what a browser sends."""

import html
import http.client
import re
import secrets
from urllib.parse import urlencode


class Visitor:
    """Asks one server; `headers` go with every request, as a proxy would add them."""

    def __init__(self, port, *, host="127.0.0.1", https=False, root="/", **headers):
        self.port, self.root = port, root
        self.headers = {"Host": host if https else f"{host}:{port}"} | headers
        if https:
            self.headers["X-Forwarded-Proto"] = "https"
        self.origin = f"{'https' if https else 'http'}://{self.headers['Host']}"
        self.cookies = []

    def _ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, self.root + path, body=body, headers=self.headers | headers)
            answer = connection.getresponse()
            self.cookies += answer.headers.get_all("Set-Cookie") or []
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def get(self, path):
        """Status, text and headers."""
        return self._ask("GET", path)

    def post(self, path, form, photographs=()):
        """The same, for a form that was sent."""
        if not photographs:
            kind, body = "application/x-www-form-urlencoded", urlencode(form, doseq=True).encode()
        else:
            kind, body = multipart(form, photographs)
        return self._ask("POST", path, body, **{"Content-Type": kind, "Origin": self.origin})

    def ask_for_help(self, photographs=(), language="ru", **form):
        """The return phrase of a request that arrived."""
        return self.send(self.token(language), photographs, language, **form)

    def token(self, language="ru"):
        """What the page of the form carries hidden."""
        return field(self.get(f"{language}/")[1], "token")

    def send(self, token, photographs=(), language="ru", **form):
        """The return phrase of a form whose page was loaded before."""
        status, text, _headers = self.post(f"{language}/", {"token": token} | form, photographs)
        assert status == 200, (status, text[-1500:])
        return phrase_on(text)

    def open_mailbox(self, phrase, language="ru"):
        """The page of the mailbox."""
        status, text, _headers = self.post(f"{language}/mailbox/", {"phrase": phrase})
        assert status == 200, (status, text)
        return text

    def do(self, page, language="ru", **form):
        """Something on the page of a mailbox."""
        status, text, _headers = self.post(f"{language}/mailbox/", {"pass": field(page, "pass")} | form)
        assert status == 200, (status, text)
        return text


def multipart(form, photographs):
    """Content type and body of a form with files."""
    edge = secrets.token_hex(16)
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in form.items()
    ]
    head = b'Content-Disposition: form-data; name="photographs"; filename="a.jpg"\r\n'
    head += b"Content-Type: image/jpeg\r\n\r\n"
    parts += [head + content for content in photographs]
    body = b"".join(b"--" + edge.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return f"multipart/form-data; boundary={edge}", body + b"--" + edge.encode() + b"--\r\n"


def field(page, name):
    """The value of a hidden field."""
    return html.unescape(re.search(rf'name="{name}" value="([^"]+)"', page)[1])


def phrase_on(page):
    """The seven words on the page after sending."""
    return " ".join(re.findall(r"<li>(\w+)</li>", re.search(r'<ol class="phrase">(.*?)</ol>', page)[1]))
