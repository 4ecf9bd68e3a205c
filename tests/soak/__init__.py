"""Kill, cut, fill and stop at random moments: whether the log still tells the truth, and never two hold the same."""
