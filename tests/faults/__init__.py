"""The fault rig: real servers and processes, broken on purpose, and a checker of what they leave behind.

``make faults`` runs the matrix and a few minutes of random faults, ``python -m tests.faults.soak --seeds 1-20`` many
more of these. `rig.Rig` puts up Redis, B, apps and workers in a folder; every process writes down what it did while it
does it; `history` reads that, `checker` says what should not be, and `nemesis` makes things happen.
"""
