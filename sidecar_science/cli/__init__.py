"""`sidecar-worker`, one file per command. Standard output carries the answer alone; logs go to standard error."""
