"""What reached the server, request by request, so that a test can say what a client did and did not do."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CREATE = ("POST", "/api/v3/order")


@dataclass
class Seen:
    """A request. `outcome` is "done", "refused", "lost" (a fault kept it from being done) or "late".

    `unheard`: what was answered did not arrive as it was.
    """

    time: int
    method: str
    path: str
    params: dict[str, str]
    key: str = ""
    outcome: str = "lost"
    code: int = 0
    order_id: int | None = None
    unheard: bool = False

    @property
    def client_id(self) -> str:
        return self.params.get("newClientOrderId", "")

    def told(self) -> dict[str, Any]:
        return {**vars(self)}


@dataclass
class Oracle:
    """Everything that arrived, first first."""

    requests: list[Seen] = field(default_factory=list)

    def note(self, time: int, method: str, path: str, params: Mapping[str, str], key: str) -> Seen:
        seen = Seen(time, method, path, dict(params), key)
        self.requests.append(seen)
        return seen

    @property
    def creates(self) -> list[Seen]:
        """Every request to create an order that reached the server, whatever became of it."""
        return [seen for seen in self.requests if (seen.method, seen.path) == CREATE]

    def sent_twice(self) -> list[str]:
        """The client ids that more than one create carried: empty for a client that keeps its promise."""
        counted = Counter(seen.client_id for seen in self.creates)
        return sorted(client_id for client_id, times in counted.items() if times > 1)

    def asked(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.requests if (seen.method, seen.path) == (method, path)]
