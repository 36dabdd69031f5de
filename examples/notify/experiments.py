"""What the permit office declares about GOV.UK Notify's client, a class that belongs to somebody else."""

from notifications_python_client import NotificationsAPIClient

from sidecar_science import Sidecar

# A real app says `Sidecar.from_env("permit-office")`, and keeps the key where it keeps its other keys.
# Its app is over in a second, so what it recorded may be shipped a little longer than that.
sidecar = Sidecar(
    "permit-office",
    redis_url="redis://127.0.0.1:6392/0",
    signing_key="known to app and worker alone",
    flush_timeout=10.0,
)

A_URL = "http://127.0.0.1:8201"
A_KEY = "office-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
B_KEY = "office-8b3aa916-ec82-434e-b0c5-d5d9b371d6a3-6c1af2ee-2b6c-4bc1-8aeb-4bd9d7e3d8f7"
# An address that Notify keeps for tests: nothing is delivered to it.
NOBODY = "simulate-delivered@notifications.service.gov.uk"


sidecar.service("notify", base_url=A_URL, build=lambda base_url: NotificationsAPIClient(B_KEY, base_url=base_url))

# Mail is a write. Its key keeps the mails to one address in order; the address itself is a secret.
sidecar.instrument(
    NotificationsAPIClient,
    "send_email_notification",
    name="notify.send_email",
    service="notify",
    key="email_address",
    effect="write",
    secrets=("email_address",),
)
# A preview is a POST, and still a read: the verb does not tell.
sidecar.instrument(
    NotificationsAPIClient, "post_template_preview", name="notify.preview", service="notify", effect="read"
)

send_email = sidecar.experiments["notify.send_email"]


@send_email.supply
def addresses_on_b():
    """What stands for the secrets when the worker calls B: no reader gets a second mail."""
    return {"email_address": NOBODY}


# So the address that was sent differs, and A and B give each mail an id of their own.
send_email.ignore("$[*].body.email_address", values_only=True)
send_email.ignore("$.id", values_only=True)
send_email.ignore("$.uri", values_only=True)
