"""Values to bytes and back, exactly and never through pickle; secrets as fingerprints; envelopes signed and sealed."""

from sidecar_science.codec.classes import Classes
from sidecar_science.codec.envelope import Opened
from sidecar_science.codec.keys import Keyring
from sidecar_science.codec.markers import Opaque, Oversize, Secret
from sidecar_science.codec.redaction import DEFAULT_HEADERS, DEFAULT_NAMES, Redactor
from sidecar_science.codec.values import Codec, canonical, digest, measure

__all__ = [
    "DEFAULT_HEADERS",
    "DEFAULT_NAMES",
    "Classes",
    "Codec",
    "Keyring",
    "Opaque",
    "Opened",
    "Oversize",
    "Redactor",
    "Secret",
    "canonical",
    "digest",
    "measure",
]
