"""A web application with Authlib: discovery, code + PKCE, ID token, userinfo, refresh, introspection, revocation."""
import html
import os
import re
import secrets
import sys
from urllib.parse import parse_qs, urljoin, urlparse

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

BASE = os.environ["BASE"]
CALLBACK = "http://127.0.0.1:9/cb"


def fields(page, marker):
    """The hidden fields of the form that holds the marker, and where it goes."""
    form = next(part for part in page.split("<form")[1:] if marker in part.split("</form>")[0]).split("</form>")[0]
    values = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and 'type="hidden"' in tag:
            values[name.group(1)] = html.unescape(value.group(1)) if value else ""
    action = re.search(r'action="([^"]*)"', form)
    return values, html.unescape(action.group(1)) if action else ""


def person_agrees(url):
    """A browser: signs in and consents; gives the address that it is sent back to."""
    browser = requests.Session()
    answer = browser.get(url, timeout=20)
    assert answer.status_code == 200, answer.text
    values, action = fields(answer.text, 'name="password"')
    values |= {"username": os.environ["USERNAME"], "password": os.environ["PASSWORD"]}
    answer = sent(browser, urljoin(answer.url, action), values)
    if answer.status_code == 200:
        values, action = fields(answer.text, "code_challenge")
        answer = sent(browser, urljoin(answer.url, action), values | {"action": "approve"})
    return answer.headers["location"]


def sent(browser, url, values):
    """Sends a form and goes where it leads; a consent that is remembered leads back to us without a question."""
    answer = browser.post(url, data=values, allow_redirects=False, timeout=20)
    while answer.is_redirect and not answer.headers["location"].startswith(CALLBACK):
        answer = browser.get(urljoin(answer.url, answer.headers["location"]), allow_redirects=False, timeout=20)
    assert answer.status_code in (200, 302, 303), answer.text
    return answer


def registered(metadata):
    """RFC 7591. Authlib registers no clients, so this is done by hand."""
    answer = requests.post(
        metadata["registration_endpoint"],
        json={
            "client_name": "Authlib",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
            "scope": "openid email profile offline_access",
        },
        timeout=20,
    )
    assert answer.status_code == 201, answer.text
    client = answer.json()
    print("APPROVE", client["client_id"], flush=True)
    sys.stdin.readline()
    return client["client_id"], client["client_secret"], "client_secret_post"


def whole_journey(metadata, client_id, client_secret, method):
    session = OAuth2Session(
        client_id,
        client_secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope="openid email profile offline_access",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    back = person_agrees(url)
    answer = parse_qs(urlparse(back).query)
    assert answer["state"] == [state] and answer.get("iss", [BASE]) == [BASE], answer
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=20).json())
    algorithms = metadata["id_token_signing_alg_values_supported"]
    decoded = jwt.decode(token["id_token"], keys, algorithms=algorithms)
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"essential": True, "value": BASE}, "aud": {"essential": True, "value": client_id}},
        {"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]},
    )
    claims.validate(leeway=5)
    assert claims["nonce"] == nonce and claims["auth_time"] <= claims["iat"], claims

    info = session.get(metadata["userinfo_endpoint"], timeout=20).json()
    assert info["sub"] == claims["sub"] and info["preferred_username"] == os.environ["USERNAME"], info

    first = token["access_token"]
    token = session.refresh_token(metadata["token_endpoint"])
    assert token["access_token"] != first, token
    looked = session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert looked["active"] and looked["client_id"] == client_id, looked

    revoked = session.revoke_token(metadata["revocation_endpoint"], token=token["refresh_token"])
    assert revoked.status_code == 200, revoked.text
    looked = session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert looked == {"active": False}, looked


metadata = requests.get(f"{BASE}/.well-known/openid-configuration", timeout=20).json()
metadata = requests.get(f"{BASE}/.well-known/oauth-authorization-server", timeout=20).json() | metadata
assert metadata["issuer"] == BASE, metadata
whole_journey(metadata, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], "client_secret_basic")
whole_journey(metadata, *registered(metadata))
print("DONE", flush=True)
