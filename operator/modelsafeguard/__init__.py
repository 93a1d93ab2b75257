"""Model Safeguard: a newly trained model replaces the live one only when it has earned it."""

__version__ = "0.1.0"
