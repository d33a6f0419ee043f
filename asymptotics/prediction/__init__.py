"""What the theory predicts: the risk, its slopes, and the bias of the Hessian."""
