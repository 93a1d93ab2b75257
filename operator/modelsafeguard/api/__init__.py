"""The API as Kubernetes sees it: its names, and the one converter between an object's JSON and its value in ``core``."""
