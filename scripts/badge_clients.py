"""What an awarded agency receives, as others see it. A verifier that others wrote accepts the badge of the certification, and refuses it once it is revoked: openbadgeslib, which knows Open
Badges 3.0 as JWT and Bitstring Status List 1.0. badge_schema.cjs holds what it says to the shapes and vocabularies of others. The certificate and the
letter are read and rendered by poppler, and the QR code of the picture by zbar.

Usage: badge_clients.py BASE_URL TOOLS, the folder where Node.js and its packages are, with tokens of two operators, of whom one applies and the other decides, in ONEMIND_TOKEN and ONEMIND_REVIEWER.
Exits with 1 where something is not as it should be.
"""

import datetime
import os
import subprocess
import sys
import tempfile
import time

import jwt
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openbadgeslib.ob3 import OB3Verifier
from openbadgeslib.ob3.verifier import OB3VerificationError

BASE = sys.argv[1].rstrip("/")
TOOLS = sys.argv[2]
FOLDER = tempfile.TemporaryDirectory()
AGENCY = "ori:TX9990400"
NAME = "Sḵwx̱wú7mesh Ą́ą́ Police"


def call(method, path, body=None, token="ONEMIND_TOKEN"):
    headers = {"Authorization": f"Bearer {os.environ[token]}"}
    answer = requests.request(method, f"{BASE}{path}", json=body, headers=headers, timeout=10)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer


def prepare():
    """An agency of one that meets everything, and its application."""
    call("PUT", f"/v1/agencies/{AGENCY}", {"name": NAME, "kind": "tribal", "country": "US"})
    appointment = {"agency": AGENCY, "sworn": True, "badge_number": "1", "started_on": "2019-05-01"}
    call("POST", "/v1/officers", {"given_name": "Ana", "family_name": "Rivera", "appointments": [appointment]})
    training = {"code": "badge-cit", "title": "CIT", "program": "cit", "category": "crisis_intervention", "hours": 40}
    made = call("POST", "/v1/trainings", training).json()
    call("PUT", f"/v1/trainings/{made['id']}/recognition", {"status": "recognized"})
    completion = {"external_id": "badge-1", "officer": {"agency": AGENCY, "badge_number": "1"}, "training": {"code": "badge-cit"}, "completed_on": "2024-03-06"}
    call("POST", "/v1/completions", completion)
    organization = {"name": "Hill Country MHDD", "kind": "community_mental_health"}
    call("POST", "/v1/partnerships", {"agency": AGENCY, "organization": organization, "agreement": "mou", "effective_on": "2024-01-01", "ends_on": None})
    call("POST", "/v1/policies", {"agency": AGENCY, "title": "Response to people in crisis", "adopted_on": "2024-01-01", "ends_on": None})
    signatory = {"name": "Maria Rivera", "title": "Chief of Police"}
    call("POST", "/v1/pledges", {"agency": AGENCY, "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 36, "signatory": signatory})
    return "/v1/certifications/" + call("POST", "/v1/certifications", {"agency": AGENCY}).json()["id"]


def decide(path, decision):
    call("POST", f"{path}/decision", {"decision": decision, "note": "as discussed"}, token="ONEMIND_REVIEWER")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def paper(path, name, size, said):
    """A document of the certification, in a folder: of a size, with its fonts in it, and with these words on its only page."""
    content = call("GET", f"{path}/{name}.pdf").content
    assert content.startswith(b"%PDF-1.7"), content[:20]
    file = os.path.join(FOLDER.name, f"{name}.pdf")
    with open(file, "wb") as written:
        written.write(content)
    about = {line.partition(":")[0]: line.partition(":")[2].strip() for line in run("pdfinfo", file).splitlines()}
    assert about["Page size"].startswith(size), about
    assert [about[name] for name in ("Pages", "Tagged", "JavaScript", "Encrypted")] == ["1", "yes", "no", "no"], about
    fonts = run("pdffonts", file).splitlines()[2:]
    assert fonts and all(font.split()[-5] == "yes" for font in fonts), fonts
    # Spaces are the reader's guess, by where letters stand.
    text = "".join(run("pdftotext", "-layout", file, "-").split())
    for words in said:
        assert "".join(words.split()) in text, f"{words!r} is not in {text!r}"
    return file


def papers(path, number):
    """The certificate and the letter say what was awarded; the code on the certificate leads to its public check."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    day = f"{today:%B} {today.day}, {today.year}"
    certificate = paper(path, "certificate", "792 x 612", [NAME, number, day, "One Mind Certified", f"{BASE}/public/certificates/{number}"])
    paper(path, "letter", "612 x 792", [NAME, day, "Maria Rivera", "Chief of Police", number])
    picture = os.path.join(FOLDER.name, "certificate")
    run("pdftoppm", "-r", "150", "-png", "-singlefile", certificate, picture)
    codes = run("zbarimg", "--quiet", "--raw", f"{picture}.png").split()
    assert codes == [f"{BASE}/public/certificates/{number}"], codes


def heard():
    """The service that runs tells of what follows from changes, by itself and at once."""
    for _ in range(100):
        told = call("GET", f"/v1/events?agency={AGENCY}&limit=500").json()["items"]
        stages = [event["data"]["stage"] for event in told if event["type"] == "status.changed"]
        if stages and stages[-1] == "certified":
            break
        time.sleep(0.1)
    kinds = [event["type"] for event in told]
    assert stages and stages[-1] == "certified" and kinds.count("requirement.met") == 3 and kinds.count("certification.awarded") == 1, told


def published_key(credential):
    """The key that the credential names, as the service publishes it: not the one that comes with the credential."""
    kid = jwt.get_unverified_header(credential)["kid"]
    keys = jwt.PyJWKSet.from_dict(requests.get(f"{BASE}/.well-known/jwks.json", timeout=10).json())
    return keys[kid].key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def download(url):
    """The library itself asks by HTTPS alone."""
    assert url.startswith(f"{BASE}/public/status-lists/"), url
    answer = requests.get(url, timeout=10)
    answer.raise_for_status()
    return answer.content


def main():
    path = prepare()
    decide(path, "start_review")
    decide(path, "award")
    credential = call("GET", f"{path}/credential").text
    verifier = OB3Verifier(pubkey_pem=published_key(credential))

    def verify():
        return verifier.verify(credential, check_status=True, verify_status_list=True, download=download)

    badge = verify()
    assert badge.issuer.id == BASE and badge.achievement.name == "One Mind Certified", badge
    names = [identity.identity_hash for identity in badge.identifiers]
    assert names == [NAME, AGENCY.removeprefix("ori:")], names
    print("ok  openbadgeslib accepts the badge, its signature by the published key, and its status")

    sys.stdout.flush()
    node = [f"{TOOLS}/bin/node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "badge_schema.cjs")]
    subprocess.run(node, input=credential, text=True, check=True, timeout=60, env={**os.environ, "NODE_PATH": f"{TOOLS}/node_modules"})

    heard()
    print("ok  the feed tells of the award, and of what follows from it")

    papers(path, call("GET", path).json()["number"])
    print("ok  the certificate and the letter say what was awarded, and the code on the picture leads to its check")

    head, payload, signature = credential.split(".")
    try:
        verifier.verify(".".join((head, payload[:-2] + ("AA" if payload[-2:] != "AA" else "BB"), signature)))
    except OB3VerificationError:
        print("ok  openbadgeslib refuses a badge that was changed")
    else:
        raise AssertionError("a changed badge was accepted")

    decide(path, "revoke")
    try:
        verify()
    except OB3VerificationError as refusal:
        assert "revocation" in str(refusal), refusal
        print("ok  openbadgeslib refuses the badge once it is revoked")
    else:
        raise AssertionError("a revoked badge was accepted")


main()
