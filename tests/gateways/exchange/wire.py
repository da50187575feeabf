"""A wire that lets nothing out: it keeps each request that would leave, and answers as it was told."""

import json
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    host: str
    path: str
    fields: dict[str, Any]
    headers: dict[str, str]


class Wire(BaseAdapter):
    """`answers` are (status, body) in turn, the last one for good; `session()` sends through it alone."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__()
        self.answers = deque(answers or [(200, {})])
        self.requests: list[Request] = []

    def session(self) -> Session:
        session = Session()
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        parts = urlsplit(request.url or "")
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        fields = _fields(body or str(parts.query))
        headers = {name: str(value) for name, value in request.headers.items()}
        self.requests.append(
            Request(str(request.method), str(parts.netloc), str(parts.path), fields, headers)
        )
        status, told = self.answers[0] if len(self.answers) == 1 else self.answers.popleft()
        answer = Response()
        answer.status_code, answer.reason, answer.url = status, "as told", str(request.url)
        answer.headers["Content-Type"] = "application/json"
        answer._content = (told if isinstance(told, str) else json.dumps(told)).encode()
        return answer

    def close(self) -> None:
        """Nothing is open."""


def _fields(text: str) -> dict[str, Any]:
    if text.startswith(("{", "[")):
        told = json.loads(text)
        # A batch of one is that one.
        fields: dict[str, Any] = told[0] if isinstance(told, list) and len(told) == 1 else told
        return fields
    return dict(parse_qsl(text, keep_blank_values=True))
