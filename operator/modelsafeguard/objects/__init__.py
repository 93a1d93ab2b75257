"""Pure builders of what is sent to Kubernetes: values in, dict out. No clock, no I/O."""
