"""The database of an office on one machine. Django finds `base.py` by its name."""
