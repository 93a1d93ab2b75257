"""Benchmarks against a real etcd and kube-apiserver: ``python -m bench``. What they showed stands in docs/performance.md."""
