class UsageError(Exception):
    """What was asked for makes no sense; the message is a sentence that says how to ask."""
