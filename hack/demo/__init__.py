"""The demo: sets a cluster up, and tells the story of one model on it. Its steps are a library, which the end-to-end tests use too."""
