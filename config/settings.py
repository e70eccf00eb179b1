"""All settings, from the environment; a secret may come as NAME_FILE, the path of a file that holds it.

Without DATABASE_URL this is the trial installation: everything in one tree, on this machine only. With it,
it is production, and what production needs must be given. A wrong value refuses to start in one line.
"""

import os
import secrets
import sqlite3
import zoneinfo
from pathlib import Path

from config import environment as env
from vault.keyring import NAMES, NEEDED

# Everything that any of our processes writes is for its own user only.
os.umask(0o077)
# The machine's own zone files may be years old; the pinned tzdata package is what the tests ran with.
zoneinfo.reset_tzpath(to=())

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED = not env.text("DATABASE_URL", "")
SITE = env.choice("SITE", ("desk", "both", "worker", "public"), "both" if EMBEDDED else "desk")
SITE_NAME = env.text("SITE_NAME", "Desk")
# A sentence for the page of a locked desk: whom to call.
LOCKED_NOTE = env.text("LOCKED_NOTE", "")
VAR_DIR = env.folder("DESK_VAR", ROOT / "var")
DEBUG = False

# --- Who may talk to us ---------------------------------------------------------------------------
_here = ",".join(sorted(env.LOOPBACK)) if EMBEDDED or SITE == "worker" else None
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", _here)
LOOPBACK_ONLY = set(ALLOWED_HOSTS) <= env.LOOPBACK
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
if EMBEDDED and not LOOPBACK_ONLY:
    env.refuse(
        "ALLOWED_HOSTS",
        "names a host beyond this machine, but without DATABASE_URL this is the trial installation",
        "Set DATABASE_URL to a Postgres database for production, or leave ALLOWED_HOSTS out",
    )
if EMBEDDED and SITE not in ("both", "worker"):
    env.refuse(
        "SITE",
        "a process of its own needs a database of its own, and DATABASE_URL is not set",
        "Set DATABASE_URL to a Postgres database, or leave SITE out",
    )

# HTTPS is the rule; only an address that nobody else reaches may go without.
SECURE = env.flag("SECURE", not EMBEDDED)
if not SECURE and not LOOPBACK_ONLY:
    env.refuse("SECURE", "is off, but ALLOWED_HOSTS names a host beyond this machine", "Leave SECURE out")
if EMBEDDED and SECURE:
    env.refuse("SECURE", "is on, but the trial installation speaks plain HTTP", "Leave SECURE out")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_TLS_PROXY", False) else None
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 2 * 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
# `no-referrer` would send `Origin: null` with every form, and every POST would be refused.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_host_prefix = "__Host-" if SECURE else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_host_prefix}session", f"{_host_prefix}csrf"
LANGUAGE_COOKIE_NAME = f"{_host_prefix}language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 10 * 3600
SESSION_ENGINE = "staff.models.sessions"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

# --- Keys: each process names only its own --------------------------------------------------------
# A process without its own file gets a key that dies with it; `up` makes the file before it starts the desk.
SECRET_KEY = (
    (env.embedded_secret(VAR_DIR / "keys" / "session.key") or secrets.token_urlsafe(64))
    if EMBEDDED and not env.text("SECRET_KEY", "")
    else env.secret("SECRET_KEY")
)
VAULT_ROOT_PROVIDER = env.text("VAULT_ROOT_PROVIDER", "")
VAULT_KEY_FILES: dict[str, Path | None] = dict.fromkeys(NAMES)
for _name in NAMES:
    _setting = f"{_name.upper()}_KEY_FILE"
    if _name not in NEEDED[SITE]:
        if env.text(_setting, ""):
            env.refuse(_setting, f"is set, but with SITE={SITE} it must not be held", f"Leave {_setting} out")
    elif EMBEDDED:
        VAULT_KEY_FILES[_name] = env.folder(_setting, VAR_DIR / "keys" / f"{_name}.key")
    elif not (_name == "root" and VAULT_ROOT_PROVIDER):
        VAULT_KEY_FILES[_name] = Path(env.text(_setting))
# What strangers send is sealed to the mailbox's public half; the private halves are the desk's alone.
_mailbox = env.text("DROPBOX_PRIVATE_FILE", "")
if _mailbox and "root" not in NEEDED[SITE]:
    env.refuse("DROPBOX_PRIVATE_FILE", f"is set, but with SITE={SITE} it must not be held", "Leave it out")
if EMBEDDED and "root" in NEEDED[SITE]:
    _mailbox = _mailbox or str(VAR_DIR / "keys" / "mailbox.key")
_public_half = env.text("DROPBOX_PUBLIC_FILE", str(VAR_DIR / "public" / "mailbox.pub") if EMBEDDED else "")
if SITE == "public" and not _public_half:
    env.refuse("DROPBOX_PUBLIC_FILE", "is not set", "Give the path of the public half of the mailbox's key")
DROPBOX_PRIVATE_FILE = Path(_mailbox) if _mailbox else None
DROPBOX_PUBLIC_FILE = Path(_public_half) if _public_half else None

# --- Files of cases: sealed, under random names; in production on a volume of their own -------------
FILE_UPLOAD_HANDLERS = ["config.uploads.InMemoryHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILES_DIR = Path(env.text("FILES_DIR")) if SITE == "desk" else env.folder("FILES_DIR", VAR_DIR / "files")
FILES_QUOTA_MB = env.number("FILES_QUOTA_MB", 20_000)

# --- Rooms ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "axes",
    "config",
    "vault",
    "staff",
    "intake",
    "law",
    "cases",
    "inbox",
    "reminders",
    "figures",
    "desk",
]
MIDDLEWARE = [
    # Before all others, so that errors and static files carry the headers too.
    "staff.middleware.HeadersMiddleware",
    "config.middleware.ThisMachineOnlyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Before whatever opens a sealed value: a session already asks for the account.
    "config.middleware.LockedDeskMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "staff.interrupted_form.TypedByMiddleware",
    "staff.middleware.DeviceMiddleware",
    "staff.middleware.SessionLimitsMiddleware",
    "staff.middleware.PreferencesMiddleware",
    "staff.middleware.DefaultDenyMiddleware",
    "staff.middleware.RefusalsMiddleware",
    "desk.middleware.OneLookMiddleware",
    "axes.middleware.AxesMiddleware",
]
if SITE == "public":
    # What strangers reach has no accounts, sessions or cookies, and knows no table or page of the desk.
    INSTALLED_APPS = ["django.contrib.staticfiles", "config", "vault", "intake"]
    MIDDLEWARE = [
        "intake.middleware.HeadersMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.middleware.common.CommonMiddleware",
    ]
    # Without cookies there is nothing for another site to ride on; token and Origin are looked at anyway.
    SILENCED_SYSTEM_CHECKS = ["security.W003"]
    # Never called here; ours would import the accounts.
    CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
# A worker has no pages.
ROOT_URLCONF = {"worker": "config.no_urls", "public": "intake.urls"}.get(SITE, "config.urls")
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["config.templates.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": []
            if SITE == "public"
            else [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "desk.context.surroundings",
            ],
        },
    }
]
# Without hashed names there is no collecting step, and a page never fails over a missing manifest.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 600

# --- Staff ----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "staff.backend.AccountBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 14},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "staff.passwords.NotOurWords"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "login"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# A stranger who goes on trying must not keep the real person out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# What axes stores stands for the client and the name typed; the rest of the request it never sees.
AXES_HANDLER = "staff.lockout.QuietHandler"
AXES_CLIENT_IP_CALLABLE = "staff.lockout.client_address"
AXES_USERNAME_CALLABLE = "staff.lockout.client_name"
AXES_LOCKOUT_CALLABLE = "staff.lockout.locked_out"

# --- Database, broker, mail -----------------------------------------------------------------------
# SQLite before 3.51.3 may corrupt a WAL database when the log is reset while another process writes.
SQLITE_JOURNAL = "WAL" if sqlite3.sqlite_version_info >= (3, 51, 3) else "DELETE"
if EMBEDDED:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "desk.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # What is erased must not stay readable in free pages of the file.
                "init_command": f"PRAGMA journal_mode={SQLITE_JOURNAL}; PRAGMA synchronous=FULL;"
                " PRAGMA secure_delete=ON;",
            },
        }
    }
else:
    DATABASES = {"default": env.database("DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BROKER_SOCKET = VAR_DIR / "broker" / "broker.sock"
MAIL_FOLDER = VAR_DIR / "mail"
# The public side reaches neither broker nor mail server, so it is not even told where they are.
_alone = EMBEDDED or SITE == "public"
REDIS_URL = env.broker("REDIS_URL", f"redis+socket://{BROKER_SOCKET}" if _alone else None)
globals().update(env.mail("EMAIL_URL", MAIL_FOLDER if _alone else None))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "desk@localhost" if _alone else None)
# Django mails its own error reports to these; they would carry what must not leave the house.
ADMINS: list[tuple[str, str]] = []
MANAGERS: list[tuple[str, str]] = []

# --- Reminders: the broker carries two words, "scan" and "drain"; the ledger is in the database -----
# The sign-in page, the one link in a mail; without it a mail holds no link at all.
DESK_URL = env.text("DESK_URL", "")
SCAN_SECONDS = env.seconds("SCAN_SECONDS", 60)
DRAIN_SECONDS = env.seconds("DRAIN_SECONDS", 15)
# What a killed worker had in hand is taken up by others after this time.
LEASE_SECONDS = env.seconds("LEASE_SECONDS", 120)
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 3,
    # For those who send: a page must not wait for a broker that is away. The worker itself waits for ever.
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0.2,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "desk"
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Both below the visibility timeout, or a task that is still running would be handed out again.
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 240, 270
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"
# No schedule file: an interval needs no memory, and the process may run on a read-only disk.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "scan": {"task": "reminders.scan", "schedule": SCAN_SECONDS, "options": {"expires": SCAN_SECONDS}},
    "drain": {"task": "reminders.drain", "schedule": DRAIN_SECONDS, "options": {"expires": DRAIN_SECONDS}},
    # Until its link is written a row of the trail could be changed unseen: the window is these 15 seconds.
    "link": {"task": "staff.link", "schedule": 15, "options": {"expires": 15}},
}

# --- Time and language ----------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
LOCALE_PATHS = [ROOT / "locale"]

# --- Logs: where it broke, never what was in it ---------------------------------------------------
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"quiet": {"()": "config.logs.QuietFormatter"}},
    "filters": {"not_on_purpose": {"()": "config.logs.NotOnPurpose"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "quiet", "filters": ["not_on_purpose"]}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Django's own handlers (a mail to the admins, a console without our formatter) are replaced.
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # Refused and missing pages name addresses that people typed.
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "WARNING"},
        "axes": {"level": "ERROR"},
    },
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
