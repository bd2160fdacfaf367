"""The office: the Django project that takes hand-ins and keeps the grades."""
