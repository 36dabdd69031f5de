"""`doctor` on a real server, in the same process: each finding with its remedy."""

from __future__ import annotations

import pytest

from sidecar_science.cli.exits import Exit
from sidecar_science.cli.main import main
from sidecar_science.codec.keys import Keyring
from sidecar_science.journal.records import Admission, Entry
from sidecar_science.journal.redis import connect, open_log
from tests.cli.apps import APP, buried, joined, outside, recorded

pytestmark = pytest.mark.realserver


class TestDoctor:
    def findings(self, capsys, *arguments):
        code = main(["doctor", *arguments])
        return code, capsys.readouterr().out

    def test_a_set_up_in_order_has_nothing_to_mend(self, app, capsys):
        """What is right is said too, and the exit code is 0."""
        target = app()
        joined(recorded(target, 2))

        code, told = self.findings(capsys, target, "--environment", "b-1", "--route", "shop=http://127.0.0.1:9")

        assert code == Exit.OK
        assert "1 experiments of 1 services are declared" in told
        assert "jobs are signed" in told
        assert "B is not A" in told
        assert "recorded 2 jobs" in told
        assert "shop.order has never been replayed here (2 jobs still wait)" in told

    def test_a_redis_that_is_down_is_told_with_its_remedy(self, app, capsys, monkeypatch):
        """Nothing after it is asked, and the exit code says that something is to be mended."""
        target = app()
        monkeypatch.setenv("APP_REDIS", "redis://127.0.0.1:1/0")

        code, told = self.findings(capsys, target)

        assert code == Exit.UNEXPECTED
        assert "Redis cannot be used" in told
        assert "SIDECAR_REDIS_URL" in told

    def test_a_route_to_a_is_found(self, app, capsys):
        """B must not be A, and doctor says so before a worker does."""
        target = app()

        code, told = self.findings(capsys, target, "--route", "shop=http://a.shop.invalid")

        assert code == Exit.UNEXPECTED
        assert "leads to A" in told

    def test_unsigned_jobs_are_noted(self, app, capsys):
        """Without a key anybody who can write to Redis can make the worker call B."""
        _, told = self.findings(capsys, app(key="None"))

        assert "jobs are not signed" in told
        assert "SIDECAR_SIGNING_KEY" in told

    def test_an_app_that_never_recorded_is_found(self, app, capsys):
        """No producer has ever reported: the namespace or the server is another one."""
        code, told = self.findings(capsys, app())

        assert code == Exit.UNEXPECTED
        assert "no app has ever recorded anything here" in told

    def test_an_unknown_environment_is_found(self, app, capsys):
        """A name that no worker ever used is likely a slip."""
        target = app()
        joined(recorded(target, 1))

        code, told = self.findings(capsys, target, "--environment", "b-9")

        assert code == Exit.UNEXPECTED
        assert "no worker ever ran in b-9 (known: b-1)" in told

    def test_an_undeclared_service_is_found(self, app, capsys):
        """The declaration that is missing is spelled out."""
        text = APP.replace('sidecar.service("shop"', 'sidecar.service("ship"')

        code, told = self.findings(capsys, app(text))

        assert code == Exit.UNEXPECTED
        assert "add sidecar.service('shop'" in told

    def test_services_without_a_build_and_experiments_without_a_function_are_noted(self, app, capsys):
        """Both are allowed, and both are worth a second look."""
        text = APP.replace(", build=Shop", "") + "\nsidecar.experiment('shop.later', service='shop')\n"

        _, told = self.findings(capsys, app(text))

        assert "service shop has no build=" in told
        assert "shop.later has no function" in told

    def test_a_method_of_no_service_is_found(self, app, capsys):
        """The worker could not make its adapter."""
        code, told = self.findings(capsys, app(APP.replace(', service="shop", key', ", key")))

        assert code == Exit.UNEXPECTED
        assert "shop.order is a method of no service" in told

    def test_an_eviction_policy_is_found(self, app, capsys, valkey_server, monkeypatch):
        """A server that may throw jobs away is told to stop."""
        import redis

        client = redis.Redis.from_url(valkey_server.url)
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            code, told = self.findings(capsys, app())
        finally:
            client.config_set("maxmemory-policy", "noeviction")

        assert code == Exit.UNEXPECTED
        assert "maxmemory-policy is allkeys-lru" in told

    def test_entries_that_this_side_cannot_read_are_found(self, app, capsys):
        """With another key than the app's a worker would bury every job."""
        target = app()
        sidecar = recorded(target, 3)
        joined(sidecar)
        sidecar.keyring = Keyring(["another key of sixteen characters"], namespace=sidecar.namespace)

        code, told = self.findings(capsys, target, "--environment", "b-1")

        assert code == Exit.UNEXPECTED
        assert "3 of the 3 oldest entries cannot be read, and a worker would bury them" in told
        assert "SIDECAR_SIGNING_KEY" in told

    def test_accounts_that_add_up_are_told(self, app, capsys):
        """The last thing that is asked of an environment."""
        target = app()
        joined(recorded(target, 2))

        _, told = self.findings(capsys, target, "--environment", "b-1")

        assert "the books balance: every call is accounted for" in told

    def test_services_without_a_route_are_noted(self, app, capsys):
        """Their jobs would be skipped."""
        text = APP + "\nsidecar.service('mail', base_url='http://a.mail.invalid', build=Shop)\n"

        _, told = self.findings(capsys, app(text), "--route", "shop=http://127.0.0.1:9")

        assert "service mail has no route" in told

    def test_a_route_of_an_unknown_service_is_found(self, app, capsys):
        """A slip in its name would leave the right one without a route."""
        code, told = self.findings(capsys, app(), "--route", "ship=http://127.0.0.1:9")

        assert code == Exit.UNEXPECTED
        assert "no service 'ship' is declared" in told

    def test_an_app_without_experiments_is_found(self, app, capsys):
        """Nothing would ever be recorded."""
        text = "from sidecar_science import Sidecar\nsidecar = Sidecar('empty', signing_key={key})\n"

        code, told = self.findings(capsys, app(text))

        assert code == Exit.UNEXPECTED
        assert "no experiment is declared" in told

    def test_without_an_environment_all_of_them_are_looked_at(self, app, capsys):
        """Whether somebody is at work there, and when somebody was."""
        target = app()
        sidecar = recorded(target, 1)
        joined(sidecar, "b-1").beat("w", partitions=1, ttl=60.0)
        joined(sidecar, "b-2")

        _, told = self.findings(capsys, target)

        assert "1 workers are at work in b-1" in told
        assert "no worker is at work in b-2; the last was seen 0 seconds ago" in told

    def test_what_is_gone_from_redis_is_found(self, app, capsys):
        """Somebody deleted a stream, or Redis forgot it: the books balance, and the loss is in them."""
        target = app()
        sidecar = recorded(target, 1)
        journal = joined(sidecar)
        [other] = journal.peek(10)
        partition = 1 if other.partition == 0 else 0
        log = open_log(sidecar.redis_url, sidecar.namespace)
        log.append([Entry(partition=partition, data=b"%d" % n) for n in range(3)])
        log.report("p-1", {"called": 3, "recorded": 3}, ended=True)
        lease = journal.acquire(partition, "w", 30.0)
        entries = [each.entry for each in journal.claim([lease], 10)][-3:]
        journal.admit(lease, [Admission(entry=each, producer="p-1", sequence=n) for n, each in enumerate(entries, 1)])
        connect(sidecar.redis_url).command("DEL", f"sidecar:{{{sidecar.namespace}:{partition:02}}}:jobs")

        code, told = self.findings(capsys, target, "--environment", "b-1")

        assert code == Exit.UNEXPECTED
        assert "3 jobs are gone from Redis without having been read" in told
        assert "CONFIG SET appendonly yes" in told
        assert "the books balance" in told

    def test_dead_letters_are_found_from_outside(self, app):
        """By name, as the other commands take them."""
        target = app()
        _, [name] = buried(recorded(target, 1), b"poison")

        told = outside("doctor", target, "--environment", "b-1")

        assert f"1 dead letters lie in b-1; the last: {name}, it is poison" in told
