"""What Django itself says of the settings that a site has in service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LOOK = """
import json, django
from django.conf import settings
django.setup()
from django.core.management import call_command
call_command("check", deploy=True, fail_level="WARNING")
names = ["DEBUG", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_SECURE",
         "SESSION_COOKIE_NAME", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE", "SECURE_PROXY_SSL_HEADER", "DEMO"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def look(home: Path, **variables: str) -> dict[str, object]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GRADSCHOOL_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOOK],
        env={
            **clean,
            "GRADSCHOOL_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "gradschool.office.settings",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_behind_a_tls_proxy_django_has_nothing_to_say(tmp_path: Path) -> None:
    found = look(tmp_path, GRADSCHOOL_TLS="1", GRADSCHOOL_HOSTS="course.example.edu")
    assert found == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["course.example.edu"],
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
        "DEMO": False,
    }
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
