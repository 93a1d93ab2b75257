"""The reference trainer and model server: text intents with scikit-learn, speaking the trainer contract and nothing else of ours."""
