"""Declaring a call, making it on B, and reading what came of it."""

from __future__ import annotations

import requests

from tests.worker.bench import A_URL


def declared(bench, function, **options):
    """A read over a plain function, named ``shop.get``."""
    bench.sidecar.experiment("shop.get", effect="read", **options)(function)
    return bench.sidecar.experiments["shop.get"]


def built(bench, build):
    """The shop's adapters are made by ``build``."""
    bench.sidecar.service("shop", A_URL, build)


def answered(bench, job, caller=None):
    """The answer to the only call of ``job``."""
    plan = bench.plan(job)
    caller = caller or bench.caller()
    return caller.call(plan, plan.calls[0])


def value(bench, answer):
    return None if answer.value is None else bench.sidecar.codec.decode(answer.value)


def error(bench, answer):
    return None if answer.error is None else bench.sidecar.codec.decode(answer.error)


def ending(replayed):
    """An outcome with its reason, where it has one."""
    return replayed.full_reason or replayed.outcome.value


def swallowing(url):
    """An adapter that makes nothing of errors."""

    def get():
        try:
            return requests.get(url).json()
        except requests.ConnectionError:
            return None

    return get
