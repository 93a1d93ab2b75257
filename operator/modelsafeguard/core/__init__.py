"""Values in, values out: no clock, no I/O, nothing but the standard library. Everything else may import this package."""
