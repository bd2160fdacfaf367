"""The reading rooms: one folder per topic, a method and its recipe per lecture idea."""
