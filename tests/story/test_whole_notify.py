"""GOV.UK Notify's own client, unchanged, through the whole of it: recorded by `instrument`, replayed, compared."""

from __future__ import annotations

import uuid

import pytest

from tests.story import world
from tests.story.world import Answer

TARGET = "tests.story.apps.notifying:sidecar"
PAGES = 3

pytest.importorskip("notifications_python_client")


def notify(*, sms_from="40604", letters="pending-virus-check"):
    """A fake Notify: its own ids for what it takes in, three pages of what there is."""

    def answer(heard):
        path, _, query = heard.path.partition("?")
        match path.strip("/").split("/"):
            case ["v2", "notifications", "email"] if heard.json["email_address"].startswith("refused"):
                return Answer(400, error("BadRequestError", "Can't send to this recipient using a team-only API key"))
            case ["v2", "notifications", "email"]:
                return Answer(201, {"id": str(uuid.uuid4()), "content": {"body": str(heard.json)}})
            case ["v2", "notifications", "sms"]:
                return Answer(201, {"id": str(uuid.uuid4()), "content": {"from_number": sms_from}})
            case ["v2", "notifications", "letter"]:
                return Answer(201, {"id": str(uuid.uuid4()), "status": letters})
            case ["v2", "notifications", "known"]:
                return Answer(json={"id": "known", "status": "delivered"})
            case ["v2", "notifications"] if "template_type" in query:
                return Answer(json={"notifications": [{"id": "one"}], "links": {}})
            case ["v2", "notifications"]:
                return Answer(json=page(query))
        return Answer(404, error("NoResultFound", "No result found"))

    return answer


def page(query):
    """Three pages; a link to the next one holds a UUID, which is all that the client reads of it."""
    number = int(query.rpartition("-")[2]) if "older_than" in query else 0
    if number >= PAGES:
        return {"notifications": [], "links": {}}
    following = f"http://a.invalid/v2/notifications?older_than={uuid.UUID(int=0)}"[:-12] + f"{number + 1:012}"
    items = [{"id": f"item-{number}-{place}"} for place in range(2)]
    return {"notifications": items, "links": {"next": following}}


def error(name, message):
    status = 404 if name == "NoResultFound" else 400
    return {"status_code": status, "errors": [{"error": name, "message": message}]}


def tell(valkey_server, a, b, *more):
    env = world.environment(valkey_server.url, STORY_A_URL=a.url)
    recorded = int(world.run_app("tests.story.apps.notifying", env=env))
    environment = f"b-{b.port}"
    world.run_worker(
        TARGET, "--environment", environment, "--route", f"notify={b.url}", "--allow-writes", "notify", *more, env=env
    )
    report = world.report(TARGET, environment, env=env)
    return recorded, {each["name"]: each for each in report["experiments"]}, report


def ended(experiment):
    return {name: n for name, n in experiment["outcomes"].items() if n}


@pytest.fixture(scope="module")
def same(valkey_server):
    """The story with two branches that answer alike, but for the ids that each gives."""
    with world.services(notify(), notify()) as (a, b):
        recorded, experiments, report = tell(valkey_server, a, b)
        yield recorded, experiments, report, a, b


@pytest.mark.realserver
@pytest.mark.xdist_group("notify")
class TestTwoBranchesThatAnswerAlike:
    def test_reads_are_matched_and_new_ids_explained(self, same):
        """Nothing is mismatched: reads agree, a refusal and a missing item agree as errors, ids are ignored."""
        recorded, experiments, report, _, _ = same

        assert recorded == report["capture"]["settled"] == 27
        assert ended(experiments["notify.send_email_notification"]) == {"ignored": 10, "matched": 1}
        assert ended(experiments["notify.send_sms_notification"]) == {"ignored": 10}
        assert ended(experiments["notify.get_notification_by_id"]) == {"matched": 2}
        assert ended(experiments["notify.get_all_notifications"]) == {"matched": 1}

    def test_a_generator_counts_once_and_is_consumed_as_far(self, same):
        """The iterator's pages are part of its call, and B is asked for no page that A was not."""
        _, experiments, _, a, b = same

        def listed(service):
            return [heard.path for heard in service.heard if heard.method == "GET" and "older" in heard.path]

        assert ended(experiments["notify.get_all_notifications_iterator"]) == {"matched": 2}
        assert sorted(listed(b)) == sorted(listed(a))

    def test_a_file_argument_arrives_whole(self, same):
        """The PDF that A's caller gave as a file is the PDF that B gets."""
        _, experiments, _, a, b = same

        def letters(service):
            return [heard.json["content"] for heard in service.heard if heard.path.endswith("/letter")]

        assert ended(experiments["notify.send_precompiled_letter_notification"]) == {"ignored": 1}
        assert letters(a) == letters(b) != []

    def test_b_is_called_with_its_own_key_and_marked(self, same):
        """A's token never leaves for B: each call is signed afresh with B's key, and says whose job it is."""
        _, _, _, a, b = same

        def tokens(service):
            return {heard.headers["Authorization"] for heard in service.heard}

        assert not tokens(a) & tokens(b)
        assert not a.replays
        assert all(heard.headers["Sidecar-Environment"] == f"b-{b.port}" for heard in b.heard)
        assert all(heard.from_worker for heard in b.heard)


@pytest.mark.realserver
@pytest.mark.xdist_group("notify")
def test_a_changed_branch_is_told_where_it_changed(valkey_server):
    """Two planted changes are two groups, at their paths, with exact counts; everything else agrees."""
    with world.services(notify(), notify(sms_from="GOVUK", letters="received")) as (a, b):
        # The journal of the story above has been settled; this environment begins after it.
        _, experiments, report = tell(valkey_server, a, b)

    sms = experiments["notify.send_sms_notification"]
    letter = experiments["notify.send_precompiled_letter_notification"]
    assert [(g["count"], [d["path"] for d in g["differences"]]) for g in sms["groups"]] == [
        (10, ["$.content.from_number"])
    ]
    assert [(g["count"], [d["path"] for d in g["differences"]]) for g in letter["groups"]] == [(1, ["$.status"])]
    assert sum(len(each["groups"]) for each in report["experiments"]) == 2
    assert report["capture"]["settled"] == 27
