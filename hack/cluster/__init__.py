"""A real Kubernetes cluster on this machine, made by kind: `python3 -m hack.cluster --help`.

Standard library only: it runs before any virtual environment exists. Where a container registry answers, kind's own node image is
pulled; where none does, the node image is made from Go modules and Debian packages. Everything made is kept below one folder
(`places`), so that it can be taken away again as a whole.
"""
