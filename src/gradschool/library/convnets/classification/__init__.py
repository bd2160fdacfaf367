"""What the recipes of the architectures share: the pictures, and the loop that trains a net to tell them apart."""
