"""A day at the permit office: previews for the clerks, and a mail for every permit that is granted."""

from experiments import A_KEY, A_URL
from notifications_python_client import NotificationsAPIClient

TEMPLATE = "f33517ff-2a88-4f6e-b855-268569269270"
CONDITIONS = ("quiet after 22:00", "a marked exit", "no open fire")


def main():
    client = NotificationsAPIClient(A_KEY, base_url=A_URL)
    for number in range(20):
        details = {
            "name": f"Reader {number:02}",
            "permit": f"P-{number:04}",
            "conditions": list(CONDITIONS[: 3 if number % 3 else 1]),
        }
        client.post_template_preview(TEMPLATE, personalisation=details)
        client.send_email_notification(
            f"person{number}@example.org",
            TEMPLATE,
            personalisation=details,
            reference=f"events/{number}" if number % 5 == 0 else f"events-{number}",
        )
    print("20 permits granted")


if __name__ == "__main__":
    main()
