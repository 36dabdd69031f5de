"""The parts of `benchmarks.worker`."""
