"""The only code that talks to Kubernetes: it reads a model's world, and performs the effects that were decided."""
