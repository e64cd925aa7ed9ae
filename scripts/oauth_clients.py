"""Real OAuth clients get tokens from a running service and call it: authlib and requests-oauthlib, by each way of authentication.

Usage: oauth_clients.py BASE_URL, with a token of an operator in ONEMIND_TOKEN. Exits with 1 where something is not as it should be.
"""

import os
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsSession

# The service is called over plain HTTP on the loopback interface.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

BASE = sys.argv[1].rstrip("/")
OPERATOR = {"Authorization": f"Bearer {os.environ['ONEMIND_TOKEN']}"}
SCOPES = ["agencies:read", "status:read"]


def make_client(name, keys=None):
    """A client with a grant for all agencies; its id and secret."""
    body = {"name": name, "kind": "lms", "scopes": SCOPES}
    if keys:
        body["jwks"] = {"keys": keys}
    made = requests.post(f"{BASE}/v1/clients", json=body, headers=OPERATOR, timeout=10)
    made.raise_for_status()
    client = made.json()
    grant = {"client": client["client_id"], "agency": None, "starts_on": "2020-01-01", "ends_on": None}
    requests.post(f"{BASE}/v1/grants", json=grant, headers=OPERATOR, timeout=10).raise_for_status()
    return client["client_id"], client["client_secret"]


def check(what, session, client_id):
    """The session's token is good for what it says."""
    said = session.get(f"{BASE}/v1/whoami", timeout=10)
    said.raise_for_status()
    assert said.json()["client"] == client_id, said.text
    session.get(f"{BASE}/v1/agencies", timeout=10).raise_for_status()
    print(f"ok  {what}")


def main():
    metadata = requests.get(f"{BASE}/.well-known/oauth-authorization-server", timeout=10).json()
    assert metadata["issuer"] == BASE, metadata
    endpoint = metadata["token_endpoint"]
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())

    client_id, secret = make_client("authlib")
    for method in ("client_secret_basic", "client_secret_post"):
        session = AuthlibSession(client_id, secret, token_endpoint_auth_method=method, scope="agencies:read")
        token = session.fetch_token(endpoint, grant_type="client_credentials")
        assert token["scope"] == "agencies:read", token
        claims = jwt.decode(token["access_token"], keys, algorithms=["EdDSA"]).claims
        assert claims["iss"] == BASE and claims["client_id"] == client_id, claims
        check(f"authlib, {method}, and the token's signature by the published key", session, client_id)

    pairs = [
        ("EdDSA", OKPKey.generate_key("Ed25519", {"kid": "ed"})),
        ("ES256", ECKey.generate_key("P-256", {"kid": "ec"})),
        ("RS256", RSAKey.generate_key(2048, {"kid": "rsa"})),
    ]
    for algorithm, pair in pairs:
        client_id, _ = make_client(f"authlib {algorithm}", [pair.as_dict(private=False)])
        session = AuthlibSession(client_id, pair, token_endpoint_auth_method="private_key_jwt", scope=" ".join(SCOPES))
        session.register_client_auth_method(PrivateKeyJWT(endpoint, alg=algorithm, headers={"kid": pair.kid}))
        session.fetch_token(endpoint, grant_type="client_credentials")
        check(f"authlib, private_key_jwt with {algorithm}", session, client_id)

    client_id, secret = make_client("requests-oauthlib")
    session = RequestsSession(client=BackendApplicationClient(client_id=client_id))
    session.fetch_token(endpoint, auth=HTTPBasicAuth(client_id, secret))
    check("requests-oauthlib, HTTP Basic", session, client_id)
    session = RequestsSession(client=BackendApplicationClient(client_id=client_id, scope=SCOPES))
    session.fetch_token(endpoint, client_secret=secret, include_client_id=True)
    check("requests-oauthlib, in the form", session, client_id)

    for error, scope, shown in ((InvalidClientError, SCOPES, "wrong"), (InvalidScopeError, ["clients:admin"], secret)):
        session = RequestsSession(client=BackendApplicationClient(client_id=client_id, scope=scope))
        try:
            session.fetch_token(endpoint, client_secret=shown, include_client_id=True)
        except error:
            print(f"ok  requests-oauthlib reads {error.__name__}")
        else:
            raise AssertionError(f"{error.__name__} was expected")


main()
