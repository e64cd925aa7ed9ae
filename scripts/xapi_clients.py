"""Real xAPI clients send statements to a running service and ask for them, by HTTP Basic: tincan (Python) and @xapi/xapi (JavaScript).

Usage: xapi_clients.py BASE_URL TOOLS, with a token of an operator in ONEMIND_TOKEN and the folder of the tools, in which node and its packages
lie. Exits with 1 where something is not as it should be.
"""

import os
import subprocess
import sys
import uuid

import requests
from tincan import Activity, Agent, AgentAccount, RemoteLRS, Result, Score, Statement, StatementRef, Verb

BASE = sys.argv[1].rstrip("/")
TOOLS = sys.argv[2]
OPERATOR = {"Authorization": f"Bearer {os.environ['ONEMIND_TOKEN']}"}
COURSE = "https://lms.example/courses/cit-40"
HOME = "https://lms.example"
AGENCY = "ori:TX9990300"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"


def call(method, path, body=None, headers=OPERATOR):
    answer = requests.request(method, f"{BASE}{path}", json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def make_client(name):
    """A client with a grant for the agency; its id and secret."""
    scopes = ["completions:read", "completions:write", "trainings:read", "trainings:write"]
    made = call("POST", "/v1/clients", {"name": name, "kind": "lms", "scopes": scopes})
    call("POST", "/v1/grants", {"client": made["client_id"], "agency": AGENCY, "starts_on": "2020-01-01", "ends_on": None})
    return made["client_id"], made["client_secret"]


def trained():
    status = call("GET", f"/v1/agencies/{AGENCY}/certification-status?as_of=2026-06-01")
    return status["requirements"]["training"]["crisis_intervention"]["count"]


def prepare():
    """An agency of two, who have accounts at the learning system, and a recognized training whose code is the activity's IRI."""
    call("PUT", f"/v1/agencies/{AGENCY}", {"name": "Cedar Bend", "kind": "municipal_police", "country": "US"})
    officers = [
        {"family_name": name, "given_name": "Ana", "sworn": True, "started_on": "2019-05-01", "identifiers": [{"system": f"xapi:{HOME}", "value": name}]}
        for name in ("rivera", "lee")
    ]
    call("PUT", f"/v1/agencies/{AGENCY}/roster", {"as_of": "2026-01-01", "officers": officers})
    training = {"code": COURSE, "title": "CIT", "program": "cit", "category": "crisis_intervention", "hours": 40}
    made = call("POST", "/v1/trainings", training)
    call("PUT", f"/v1/trainings/{made['id']}/recognition", {"status": "recognized"})


def statement(name, verb=COMPLETED, **more):
    actor = Agent(name="Somebody", account=AgentAccount(home_page=HOME, name=name))
    return Statement(id=str(uuid.uuid4()), actor=actor, verb=Verb(id=verb), object=Activity(id=COURSE), timestamp="2026-03-06T16:30:00-06:00", **more)


def with_tincan():
    client_id, secret = make_client("tincan")
    lrs = RemoteLRS(endpoint=f"{BASE}/xapi/", version="1.0.3", username=client_id, password=secret)
    about = lrs.about()
    assert about.success and "1.0.3" in about.content.version, about.data
    print("ok  tincan reads /xapi/about")
    sent = statement("rivera", result=Result(completion=True, success=True, score=Score(scaled=0.93)))
    for _ in range(2):
        answer = lrs.save_statement(sent)
        assert answer.success, answer.data
    assert trained() == 1
    print("ok  tincan sends a statement twice, and it counts once")
    held = lrs.retrieve_statement(sent.id)
    assert held.success and held.content.actor.account.name == "rivera", held.data
    more = [statement("rivera", verb="http://adlnet.gov/expapi/verbs/initialized") for _ in range(3)]
    answer = lrs.save_statements(more)
    assert answer.success, answer.data
    page = lrs.query_statements({"agent": sent.actor, "limit": 2})
    assert page.success and len(page.content.statements) == 2 and page.content.more, page.data
    rest = lrs.more_statements(page.content)
    assert rest.success and len(rest.content.statements) == 2 and not rest.content.more, rest.data
    print("ok  tincan asks by actor, page by page")
    voided = statement("rivera", verb="http://adlnet.gov/expapi/verbs/voided")
    voided.object = StatementRef(id=sent.id)
    answer = lrs.save_statement(voided)
    assert answer.success, answer.data
    assert lrs.retrieve_voided_statement(sent.id).success and not lrs.retrieve_statement(sent.id).success
    assert trained() == 0
    print("ok  tincan voids a statement, and it counts no more")
    wrong = RemoteLRS(endpoint=f"{BASE}/xapi/", version="1.0.3", username=client_id, password="wrong")
    refused = wrong.save_statement(statement("rivera"))
    assert not refused.success and refused.response.status == 401, refused.data
    print("ok  tincan with a wrong secret is refused")


def with_javascript():
    client_id, secret = make_client("@xapi/xapi")
    environment = {**os.environ, "LRS": f"{BASE}/xapi/", "LRS_USER": client_id, "LRS_SECRET": secret, "NODE_PATH": f"{TOOLS}/node_modules"}
    subprocess.run([f"{TOOLS}/bin/node", os.path.join(os.path.dirname(__file__), "xapi_client.cjs")], env=environment, check=True, timeout=60)
    assert trained() == 1
    print("ok  what @xapi/xapi sent counts")


prepare()
with_tincan()
with_javascript()
