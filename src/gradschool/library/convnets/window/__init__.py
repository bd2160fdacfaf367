"""What belongs to a sliding window: how far it sees, when it falls into smaller ones, what it costs, what it learns."""
