"""The door for gunicorn."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradschool.office.settings")
application = get_wsgi_application()
import_module("gradschool.office.urls")  # all pages, before the server makes its processes and not in each at its first
