"""The B side: the same call against another environment, compared, settled, and nowhere else."""
