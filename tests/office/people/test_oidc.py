"""Signing in with an OpenID Connect provider: the whole way with a real one, and what must not open an account."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from django.test import Client
from joserfc import jwt
from joserfc.jwk import RSAKey

from gradschool.office.environment import Oidc
from gradschool.office.people import oidc
from gradschool.office.people.models import Identity, User

# The provider's own code, which runs in this process, is older than the Authlib that it stands on.
pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")

PEOPLE = {
    "chi-7": {"email": "Chi@example.edu", "email_verified": True, "name": "Chi Nguyen"},
    "new-1": {"email": "new@example.edu", "email_verified": True, "name": "New One"},
    "liar": {"email": "chi@example.edu", "email_verified": False},
    "silent": {},
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A provider on this machine; its issuer."""
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=users) as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture
def provider(server: str, settings) -> Oidc:
    settings.OIDC = Oidc(server, "gradschool", "a secret", "Example University")
    oidc._client.cache_clear()
    return settings.OIDC


def leave(client: Client, sub: str, target: str = "") -> str:
    """From the sign-in page to the provider and through its form; where it sends the browser back to."""
    out = client.get("/oidc/start", {"next": target} if target else {})
    assert out.status_code == 302, out.content
    back = requests.post(out.url, data={"sub": sub}, allow_redirects=False, timeout=10)
    where = urlsplit(back.headers["Location"])
    assert where.path == "/oidc/callback"
    return f"{where.path}?{where.query}"


def signed_in(client: Client) -> User | None:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk) if pk else None


def test_a_known_address_is_signed_in_and_known_by_subject_from_then_on(provider, offering, chi, client) -> None:
    assert "Sign in with Example University" in client.get("/signin").content.decode()
    answer = client.get(leave(client, "chi-7", f"/{offering.slug}/grades/"))
    assert answer.url == f"/{offering.slug}/grades/"
    assert signed_in(client) == chi
    User.objects.filter(pk=chi.pk).update(email="chi.nguyen@example.edu")
    again = Client()
    again.get(leave(again, "chi-7"))
    assert signed_in(again) == chi, "an address may change, the subject does not"
    assert User.objects.count() == 1


def test_somebody_new_gets_an_account_and_no_place(provider, db, client) -> None:
    client.get(leave(client, "new-1"))
    new = User.objects.get()
    assert (new.email, new.name, new.has_usable_password()) == ("new@example.edu", "New One", False)
    assert signed_in(client) == new
    assert not new.enrolments.exists()


def test_what_is_asked_carries_state_nonce_and_a_challenge_that_the_code_is_redeemed_with(
    provider, chi, client, monkeypatch
) -> None:
    out = client.get("/oidc/start")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(out.url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 30
    assert len(asked["nonce"]) >= 20
    back = requests.post(out.url, data={"sub": "chi-7"}, allow_redirects=False, timeout=10).headers["Location"]
    sent = {}
    real = oidc._client(provider).fetch_access_token

    def fetch(**parameters):
        sent.update(parameters)
        return real(**parameters)

    monkeypatch.setattr(oidc._client(provider), "fetch_access_token", fetch)
    client.get("/oidc/callback?" + urlsplit(back).query)
    digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
    assert signed_in(client) == chi


def test_an_answer_is_for_the_browser_that_asked_and_works_once(provider, chi, client) -> None:
    back = leave(client, "chi-7")
    other = Client()
    assert other.get(back).status_code == 403
    assert signed_in(other) is None
    assert client.get(back).status_code == 302
    client.post("/signout")
    assert client.get(back).status_code == 403
    for made_up in ("", "?code=x", "?code=x&state=y", "?error=server_error", "?state=" + "x" * 5000):
        assert Client().get(f"/oidc/callback{made_up}").status_code == 403


def test_whoever_says_no_at_the_provider_is_back_at_the_sign_in(provider, db, client) -> None:
    out = client.get("/oidc/start")
    back = requests.post(out.url, data={"action": "deny"}, allow_redirects=False, timeout=10).headers["Location"]
    page = client.get("/oidc/callback?" + urlsplit(back).query, follow=True).content.decode()
    assert "You did not sign in with Example University." in page


@pytest.mark.parametrize("forgery", ["key", "nonce", "audience", "issuer", "expired", "none", "no token", "genuine"])
def test_a_token_that_is_not_genuine_opens_nothing(provider, chi, client, monkeypatch, forgery: str) -> None:
    back = leave(client, "chi-7")
    remote = oidc._client(provider)
    real, theirs = remote.fetch_access_token, remote.fetch_jwk_set(force=True)
    ours = RSAKey.generate_key(2048, {"kid": theirs["keys"][0].get("kid", "a key")})
    if forgery != "key":  # the provider's keys are ours then, so that nothing but the forgery is wrong
        monkeypatch.setattr(remote, "fetch_jwk_set", lambda force=False: {"keys": [ours.as_dict(private=False)]})

    def forged(**parameters):
        token = real(**parameters)
        payload = token["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        claims |= {
            "nonce": {"nonce": "another"},
            "audience": {"aud": "somebody else"},
            "issuer": {"iss": "http://evil.example"},
            "expired": {"exp": int(time.time()) - 3600},
        }.get(forgery, {})
        claims.pop("at_hash", None)
        token["id_token"] = jwt.encode({"alg": "RS256", "kid": ours.kid}, claims, ours)
        if forgery == "none":
            header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
            token["id_token"] = f"{header}.{payload}."
        if forgery == "no token":
            del token["id_token"]
        return token

    monkeypatch.setattr(remote, "fetch_access_token", forged)
    answer = client.get(back)
    if forgery == "genuine":  # signed by a key that the provider publishes: the forging itself works
        assert signed_in(client) == chi
    else:
        assert answer.status_code == 403, forgery
        assert signed_in(client) is None


def test_an_address_that_the_provider_does_not_vouch_for_opens_nothing(provider, chi, client, settings) -> None:
    answer = client.get(leave(client, "liar"))
    assert "has not verified the address chi@example.edu" in answer.content.decode()
    assert signed_in(client) is None
    assert "did not give your e-mail address" in client.get(leave(client, "silent")).content.decode()
    settings.OIDC = provider._replace(trust_email=True)
    oidc._client.cache_clear()
    client.get(leave(client, "liar"))
    assert signed_in(client) == chi, "unless the site says that this provider may be believed"


@pytest.mark.parametrize("fields", [{"is_active": False}, {"is_demo": True}])
def test_closed_and_demo_accounts_are_not_opened(provider, chi, client, fields) -> None:
    User.objects.filter(pk=chi.pk).update(**fields)
    assert client.get(leave(client, "chi-7")).status_code == 403
    assert signed_in(client) is None
    assert not Identity.objects.exists()


def test_a_second_subject_does_not_get_into_an_account_by_its_address(provider, chi, client) -> None:
    Identity.objects.create(user=chi, issuer=provider.issuer, subject="another")
    assert "belongs to another account" in client.get(leave(client, "chi-7")).content.decode()
    assert signed_in(client) is None


def test_nobody_is_sent_elsewhere_after_signing_in(provider, chi, client) -> None:
    assert client.get(leave(client, "chi-7", "https://evil.example/")).url == "/"


def test_a_provider_that_is_down_or_another_one_is_said(provider, db, client, settings) -> None:
    settings.OIDC = provider._replace(issuer="http://localhost:9")
    assert "does not answer at the moment" in client.get("/oidc/start").content.decode()
    settings.OIDC = provider._replace(issuer=provider.issuer.replace("localhost", "127.0.0.1") + "/.")
    assert client.get("/oidc/start").status_code == 403


def test_it_is_off_by_default(db, client) -> None:
    assert client.get("/oidc/start").status_code == 404
    assert "Sign in with" not in client.get("/signin").content.decode().split("<main")[1]
