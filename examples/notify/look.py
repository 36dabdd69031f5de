"""Opens every job in the journal, as the worker would, and looks for what should be there and for what should not."""

import re

from experiments import A_KEY, sidecar

from sidecar_science.journal.job import unseal
from sidecar_science.journal.redis import open_journal

entries = open_journal(sidecar.redis_url, sidecar.namespace, "look").peek(1000)
held = "".join(repr(unseal(entry.data, sidecar.keyring, entry.partition)) for entry in entries)

print(len(entries), "jobs")
print(len(set(re.findall(r"P-\d{4}", held))), "permits")
print(len(set(re.findall(r"person\d+@", held))), "addresses")
print(held.count(A_KEY[-36:]) + held.count("Bearer"), "credentials")
