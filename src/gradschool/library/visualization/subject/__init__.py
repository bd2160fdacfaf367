"""The network that the room's recipes ask: it says which shapes are in a scene, and scenes say where they are."""
