"""Prune, retrain, repeat: the joint law of several fits to the same data."""
