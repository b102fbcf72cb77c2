"""Signs in as a command-line tool would, with requests-oauthlib: device grant, an API call, refresh, revocation.

Arguments: base URL, client id. Prints `CODE <user code>` when a person is to approve it, and `DONE` at the end.
"""
import os
import sys
import time

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, on the loopback address only

import requests
from oauthlib.oauth2 import DeviceClient
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error
from requests_oauthlib import OAuth2Session

base, client_id = sys.argv[1:3]
metadata = requests.get(f"{base}/.well-known/oauth-authorization-server", timeout=10).json()
assert metadata["issuer"] == base, metadata

client = DeviceClient(client_id)
started = requests.post(
    metadata["device_authorization_endpoint"],
    data={"client_id": client_id, "scope": "email profile"},
    timeout=10,
).json()
print("CODE", started["user_code"], flush=True)

session = OAuth2Session(client=client)
deadline = time.monotonic() + 60
interval = started["interval"]
while True:
    try:
        token = session.fetch_token(
            metadata["token_endpoint"],
            device_code=started["device_code"],
            include_client_id=True,
        )
        break
    except CustomOAuth2Error as error:
        assert error.error in ("authorization_pending", "slow_down"), error
        interval += 5 if error.error == "slow_down" else 0
    assert time.monotonic() < deadline, "nobody approved"
    time.sleep(interval)

assert token["token_type"] == "Bearer" and token["refresh_token"], token
info = session.get(f"{base}/oauth/tokeninfo", timeout=10)
assert info.status_code == 200 and info.json()["active"], info.text

first = token["access_token"]
token = session.refresh_token(metadata["token_endpoint"], client_id=client_id)
assert token["access_token"] != first, "the same token again"

revoked = requests.post(
    metadata["revocation_endpoint"],
    data={"token": token["refresh_token"], "client_id": client_id},
    timeout=10,
)
assert revoked.status_code == 200, revoked.text
assert session.get(f"{base}/oauth/tokeninfo", timeout=10).status_code == 401
print("DONE", flush=True)
