"""The journal: one contract, held by all of its twins, and what only real servers can show."""
