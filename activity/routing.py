from django.urls import URLPattern, path

from activity.consumers import LiveConsumer

websocket_urlpatterns: list[URLPattern] = [path("live/", LiveConsumer.as_asgi())]
