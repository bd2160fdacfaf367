"""Django's settings. What differs between machines comes from `environment`; docs/settings.md lists it all."""

from __future__ import annotations

import sys
from pathlib import Path

from gradschool.office import databases, environment
from gradschool.office.monitoring import logs

HERE = Path(__file__).resolve().parent
HOME = environment.home()
BLOBS = HOME / "blobs"
HANDOUTS = HOME / "handouts"  # made anew where they are missing
SECRET_KEY = environment.secret_key()
DEBUG = False
DEMO = environment.flag("GRADSCHOOL_DEMO")
COURSE = environment.text("GRADSCHOOL_COURSE", "")  # empty: found as `gradschool.syllabus.find` says
ALLOWED_HOSTS = environment.words("GRADSCHOOL_HOSTS", "127.0.0.1,localhost,[::1]")
BEHIND_TLS = environment.flag("GRADSCHOOL_TLS")  # a TLS proxy stands in front and sets X-Forwarded-Proto
METRICS_TOKEN = environment.text("GRADSCHOOL_METRICS_TOKEN", "")  # empty: the numbers are for this machine itself
ALLOW_PLAIN_SANDBOX = environment.flag("GRADSCHOOL_ALLOW_PLAIN_SANDBOX")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "gradschool.office.people",
    "gradschool.office.audit",
    "gradschool.office.handin",
    "gradschool.office.queue",
    "gradschool.office.regrade",
    "gradschool.office.leaderboard",
    "gradschool.office.theory",
    "gradschool.office.marking",
    "gradschool.office.gradebook",
    "gradschool.office.similarity",
    "gradschool.office.site",
]
MIDDLEWARE = [
    "gradschool.office.monitoring.requests.observed",
    "gradschool.office.middleware.arrival",
    "gradschool.office.middleware.database_refusals",
    "gradschool.office.middleware.headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gradschool.office.middleware.bounded",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "gradschool.office.urls"
WSGI_APPLICATION = "gradschool.office.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gradschool.office.site.context.page",
            ]
        },
    }
]

DATABASES = {"default": databases.of(environment.database(), HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["gradschool.office.people.signin.EmailBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
OIDC = environment.oidc()
PASSWORD_RESET_TIMEOUT = 24 * 3600
LOGIN_URL = "people:signin"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "gradschool.office.people.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
if BEHIND_TLS:  # no other host of the same domain can plant a cookie of these names
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
CSRF_COOKIE_HTTPONLY = True  # forms carry the token; no script reads the cookie
CSRF_FAILURE_VIEW = "gradschool.office.site.views.csrf_failure"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^health/$", r"^metrics$"]  # asked for from the machine itself, past the proxy
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BEHIND_TLS else 0
# W005, W021: whether other hosts of the domain speak TLS, and for good, is not for a course to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

MAIL = environment.mail()
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL.host else 'console'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL.whole_tls, MAIL.start_tls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.text("GRADSCHOOL_MAIL_FROM", "gradschool <noreply@localhost>")

STATIC_URL = "/static/"
# Served from the packages by whitenoise itself: no collectstatic step, nothing to forget after an upgrade.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ALLOW_ALL_ORIGINS = False

FILE_UPLOAD_HANDLERS = ["gradschool.office.handin.uploads.BlobUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # form fields; files are streamed by the handler above
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 100
DISK_RESERVE = 500 * 1024 * 1024  # bytes; with less free the office says that it is not well
UPLOAD_LIMIT = 20 * 1024 * 1024  # bytes of one hand-in

# The program that grades, in processes that know nothing of the office.
GRADER = [sys.executable, "-P", "-m", "gradschool.grading"]

USE_TZ = True
TIME_ZONE = "UTC"  # pages show the zone of the course
LANGUAGE_CODE = "en-us"
USE_I18N = False

LOGGING = logs.configuration(environment.log_form())
