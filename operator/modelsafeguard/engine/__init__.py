"""The process: kopf is the informer and the shell; keys are queued and reconciled until nothing is left to do."""
