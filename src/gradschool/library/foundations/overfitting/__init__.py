"""What the recipe of regularization shows: wrong labels that are learned by heart, and fits through every point."""
