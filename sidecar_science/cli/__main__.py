"""``python -m sidecar_science.cli``: the command without its script."""

import sys

from sidecar_science.cli.main import main

sys.exit(main())
