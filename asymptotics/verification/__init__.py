"""Simulation against prediction: how much to simulate (`plan`), and the verdict (`statistics`)."""
