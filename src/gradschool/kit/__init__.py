"""The toolbox of the library: what every recipe needs and no lecture is about."""
