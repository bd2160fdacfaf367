"""The pantry: one file per data set, found or generated without a network."""
