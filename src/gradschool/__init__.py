"""gradschool: a deep-learning course that runs."""
