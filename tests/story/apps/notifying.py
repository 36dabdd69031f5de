"""An app that uses GOV.UK Notify's own client, unchanged: recorded by ``instrument``."""

from __future__ import annotations

import contextlib
import io
import os

from notifications_python_client.errors import HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from sidecar_science import Sidecar

KEY_OF_A = "team_a-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY_OF_B = "team_b-26785a09-ab16-4eb0-8407-a37497a57506-11111111-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"

sidecar = Sidecar.from_env("notifying")
sidecar.service(
    "notify", base_url=os.environ["STORY_A_URL"], build=lambda base_url: NotificationsAPIClient(KEY_OF_B, base_url)
)

RECORDED = {
    "send_email_notification": {"effect": "write", "key": "email_address"},
    "send_sms_notification": {"effect": "write", "key": "phone_number"},
    "send_precompiled_letter_notification": {"effect": "write", "key": "reference"},
    "get_notification_by_id": {"effect": "read", "key": "id"},
    "get_all_notifications": {"effect": "read"},
    "get_all_notifications_iterator": {"effect": "read"},
}
for _method, _options in RECORDED.items():
    sidecar.instrument(NotificationsAPIClient, _method, name=f"notify.{_method}", service="notify", **_options)
for _method in ("send_email_notification", "send_sms_notification", "send_precompiled_letter_notification"):
    sidecar.experiments[f"notify.{_method}"].ignore("$.id", values_only=True)


def main():
    client = NotificationsAPIClient(KEY_OF_A, base_url=os.environ["STORY_A_URL"])
    for number in range(10):
        client.send_email_notification(f"p{number}@example.org", TEMPLATE, personalisation={"name": f"P {number}"})
        client.send_sms_notification(f"+4477009000{number:02}", TEMPLATE)
    with contextlib.suppress(HTTPError):
        client.send_email_notification("refused@example.org", TEMPLATE)
    client.get_notification_by_id("known")
    with contextlib.suppress(HTTPError):
        client.get_notification_by_id("unknown")
    client.get_all_notifications(template_type="email")
    list(client.get_all_notifications_iterator())
    pages = client.get_all_notifications_iterator()
    next(pages)
    pages.close()
    client.send_precompiled_letter_notification("letter-1", io.BytesIO(b"%PDF-1.4 " + bytes(range(256))))
    sidecar.close(timeout=30)
    print(sidecar.stats()["recorded"])


if __name__ == "__main__":
    main()
