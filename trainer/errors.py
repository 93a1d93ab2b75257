"""What can be wrong with the world around the trainer, each said in one sentence that a person can act on."""


class TrainerError(Exception):
    """The training cannot be done as asked; the message is one sentence for the person who asked."""


class ModelError(Exception):
    """A model folder cannot be used; the message is one sentence that says which one and why."""
