from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from tradingbot.views import favicon, health

urlpatterns = [
    path("", include("bots.urls")),
    path("orders/", include("orders.urls")),
    path("activity/", include("activity.urls")),
    path("exchanges/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("healthz", health, name="health"),
    path("favicon.ico", favicon),
    path(settings.ADMIN_PATH, admin.site.urls),
]
