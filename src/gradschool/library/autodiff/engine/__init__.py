"""What the two modes share: how ordinary NumPy code meets our arrays, and the operations that networks need."""
