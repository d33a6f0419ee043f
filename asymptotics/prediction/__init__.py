"""Predictions of the theory: `risk`, its derivatives, and the Hessian bias."""
