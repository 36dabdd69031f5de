"""A small world for `sidecar-worker demo`: a service in two versions, an app that calls it, and its declarations."""
