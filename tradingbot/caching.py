"""Pages of signed-in people are theirs alone: no cache keeps them, not even the browser's own."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class PrivatePages:
    """After sign-out, the back button shows nothing that was on the screen before."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "no-store, private"
        return response
