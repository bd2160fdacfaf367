"""What the recipe of the optimizers runs them on: the digits as a convex problem, and bowls drawn to be looked at."""
