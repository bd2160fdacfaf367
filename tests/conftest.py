"""Before Django loads: the office's home is a folder of the test run, never the one in which somebody works."""

from __future__ import annotations

import os
import tempfile

os.environ["GRADSCHOOL_HOME"] = tempfile.mkdtemp(prefix="gradschool-tests-")
os.environ["DJANGO_SETTINGS_MODULE"] = "gradschool.office.settings"

import django

django.setup()
