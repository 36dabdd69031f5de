"""Writes the golden files that are missing; see the package's docstring."""

from sidecar_science.codec import envelope
from sidecar_science.codec.values import Codec

from ..shop import CLASSES
from . import BODY, FLAVORS, HEADER, HERE, VALUES

made = {name: envelope.seal(HEADER, BODY, keyring, compress=compress) for name, (keyring, compress) in FLAVORS.items()}
made["v1-values"] = Codec(classes=CLASSES).encode(VALUES)

for name, data in made.items():
    path = HERE / f"{name}.hex"
    if not path.exists():
        digits = data.hex()
        path.write_text("\n".join(digits[i : i + 96] for i in range(0, len(digits), 96)) + "\n")
