"""The names under which secrets usually stand, and how names are told to be the same."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_NAME: Final = 64  # what is longer is data and no name

DEFAULT_NAMES: Final = frozenset(
    """
    password passwd passphrase pwd passcode password_confirmation current_password old_password new_password
    user_password verify_password hashed_password password_hash
    secret secrets client_secret secret_key shared_secret signing_secret webhook_secret totp_secret app_secret
    token access_token refresh_token id_token auth_token bearer_token api_token session_token csrf_token xsrf_token
    csrf_middleware_token authenticity_token device_token reset_token magic_token jwt bearer
    api_key access_key access_key_id secret_access_key account_key subscription_key encryption_key signing_key
    private_key ssh_key
    authorization proxy_authorization http_authorization auth credentials basic_auth
    cookie cookies set_cookie http_cookie
    session session_id session_key php_sess_id j_session_id csrf xsrf
    sig x_amz_signature x_amz_security_token x_goog_signature
    credit_card credit_card_number card_number card_cvc cvv cvv2 cvc cvc2 security_code pin otp one_time_password
    mfa_code two_factor_code
    """.split()  # noqa: SIM905 - a list would be a hundred lines
)

DEFAULT_HEADERS: Final = frozenset(
    """
    Authorization Proxy-Authorization Cookie Set-Cookie
    X-Api-Key Api-Key X-Auth-Token X-Access-Token X-Session-Token X-Amz-Security-Token
    X-Vault-Token X-Csrf-Token X-Csrftoken X-Xsrf-Token Private-Token Job-Token CDP-Api-Key Ocp-Apim-Subscription-Key
    X-Signature X-Hub-Signature X-Hub-Signature-256 GOVUK-Account-Session X-Shopify-Access-Token Stripe-Signature
    """.split()  # noqa: SIM905 - a list would be a hundred lines
)

_SEPARATORS = str.maketrans("", "", "-_ ")


def normalized(name: str) -> str:
    """The form in which names are compared: ``apiKey``, ``api_key`` and ``API-Key`` are one name."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    return name.casefold().translate(_SEPARATORS)
