"""What the recipes that tell distances share: the scenes, and figures of what came of them."""
