"""The command line: one module a verb, over `kube` and `api`."""
