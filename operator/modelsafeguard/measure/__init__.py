"""The Job's second container: checks what the trainer wrote, measures it, publishes it, and hands a report over.

Everything in the trainer's folder, and everything in the environment, is untrusted until it has been checked here.
"""
