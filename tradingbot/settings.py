"""Settings, on one page. Each variable is read by a typed reader and told in docs/operations.md."""

import os
import shutil
import sys
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from tradingbot import env
from tradingbot.logs import logging_of
from tradingbot.topology import topology_of

ROOT_DIR = env.ROOT_DIR
VAR_DIR = env.var_dir(os.environ)
TOPOLOGY = topology_of(os.environ, VAR_DIR)

# What this installation is

DEBUG = env.flag(os.environ, "DEBUG", default=False)
SECRET_KEY = TOPOLOGY.secret_key
ENCRYPTION_KEYS = TOPOLOGY.encryption_keys
PUBLIC_URL = TOPOLOGY.public_url
IS_HTTPS = PUBLIC_URL.startswith("https://")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
# The loopback names let health checks in; a foreign page cannot make a browser send them.
ALLOWED_HOSTS = [*env.hosts(os.environ, "ALLOWED_HOSTS", [PUBLIC_HOST]), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ADMIN_PATH = env.path(os.environ, "ADMIN_PATH", "operate/")

# What it is made of

INSTALLED_APPS = [
    "tradingbot",
    "accounts",
    "bots",
    "orders",
    "activity",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "channels",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tradingbot.caching.PrivatePages",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "tradingbot.urls"
ASGI_APPLICATION = "tradingbot.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Where it keeps things

DATABASES = {"default": TOPOLOGY.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": TOPOLOGY.cache}
CHANNEL_LAYERS = {"default": TOPOLOGY.channel_layer}
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static" if TOPOLOGY.grown else None
STATICFILES_DIRS = [ROOT_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if TOPOLOGY.grown
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Embedded serves the files where they lie: no collecting before the first page.
WHITENOISE_USE_FINDERS = not TOPOLOGY.grown
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = env.choice(
    os.environ, "EMAIL_VERIFICATION", "optional", ("optional", "mandatory", "none")
)
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Trading bots] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_SESSION_REMEMBER = True

# What makes the real exchanges, beside the built-in one.

EXCHANGES = "orders.gateways.exchange.installed.real_exchanges"
EXCHANGE_OVERRIDES = env.overrides(os.environ, "EXCHANGE_OVERRIDES")
# A key that is due to be tested is noticed within a minute.
KEYS_PERIOD_S = 60
# What can be traded changes by the day, its rules less often.
MARKETS_PERIOD_S = 3600
# What a real account holds is held against its bots' books once a minute; this is how often one looks for
# those whose turn it is.
COMPARING_PERIOD_S = 10

# Mail goes to the console until a server is named.

EMAIL_HOST = env.text(os.environ, "EMAIL_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = env.whole(os.environ, "EMAIL_PORT", 587, least=1, most=65535)
EMAIL_HOST_USER = env.text(os.environ, "EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text(os.environ, "EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag(os.environ, "EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text(os.environ, "EMAIL_FROM", f"bots@{PUBLIC_HOST}")

# Safety

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag(os.environ, "HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = SECURE_HSTS_INCLUDE_SUBDOMAINS
# Only a proxy that overwrites X-Forwarded-Proto may be believed, so the operator says whether there is one.
BEHIND_PROXY = env.flag(os.environ, "BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# The visitor's address, by which sign-ins are limited, is then the last one the proxy has written down.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
SECURE_SSL_REDIRECT = IS_HTTPS and BEHIND_PROXY
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Time and language

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = env.time_zone(os.environ, "TIME_ZONE", "UTC")

# Tasks: the database is the queue, a message only says "look now", so a lost or expired one costs nothing.

RING_PERIOD_S = 2.0
# A new hour is noticed within a minute.
EQUITY_PERIOD_S = 60
BACKTESTS_AT_ONCE = env.whole(os.environ, "BACKTESTS_AT_ONCE", 2, least=1, most=1000)
# All that a child process gets of the environment: it has no need of a secret.
CHILD_ENVIRONMENT = env.kept(os.environ, ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMPDIR"))
# A child that previews settings gives way to all that trades and serves pages.
PREVIEW_WAIT_S = 2.0
PREVIEW_CHILDREN = min(os.cpu_count() or 1, 2)
NICE = shutil.which("nice")
PREVIEW_ARGV = [*([NICE, "-n", "10"] if NICE else []), sys.executable, "-m", "bots.backtest.child"]
CELERY_BROKER_URL = TOPOLOGY.broker_url
CELERY_BROKER_TRANSPORT_OPTIONS = TOPOLOGY.broker_transport_options
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "bots"
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_ROUTES = {
    "bots.tasks.run_backtests": {"queue": "backtests"},
    "bots.tasks.*": {"queue": "bots"},
    "orders.tasks.*": {"queue": "orders"},
    "accounts.tasks.*": {"queue": "orders"},
    "activity.tasks.*": {"queue": "notifications"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # periods of seconds need no memory on disk
CELERY_BEAT_SCHEDULE = {
    name: {
        "task": name,
        "schedule": period_s,
        "options": {"expires": period_s, "ignore_result": True},
    }
    for name, period_s in {
        "bots.tasks.ring_due": RING_PERIOD_S,
        "bots.tasks.ring_backtests": RING_PERIOD_S,
        "bots.tasks.sweep_switches": RING_PERIOD_S,
        "bots.tasks.tell_recoveries": RING_PERIOD_S,
        "activity.tasks.deliver_due": RING_PERIOD_S,
        "bots.tasks.mark_equity_due": EQUITY_PERIOD_S,
        "accounts.tasks.check_due_keys": KEYS_PERIOD_S,
        "accounts.tasks.compare_due": COMPARING_PERIOD_S,
        "accounts.tasks.refresh_markets": MARKETS_PERIOD_S,
    }.items()
}

# Words

LOG_LEVEL = env.choice(os.environ, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = logging_of(
    level=LOG_LEVEL,
    secrets=[
        SECRET_KEY,
        *ENCRYPTION_KEYS,
        EMAIL_HOST_PASSWORD,
        str(TOPOLOGY.database.get("PASSWORD", "")),
        urlsplit(TOPOLOGY.broker_url).password or "",
    ],
)
