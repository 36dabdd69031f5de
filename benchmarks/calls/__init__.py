"""What the benchmark of the caller's side is made of: payloads, contenders, pacing, and tables."""
