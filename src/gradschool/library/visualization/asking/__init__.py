"""Asking a network without changing it: what all methods of the room need before they look."""
