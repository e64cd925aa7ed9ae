// @xapi/xapi sends statements and asks for them; called by xapi_clients.py with the address and the credentials in the environment.
const assert = require("node:assert");
const { randomUUID } = require("node:crypto");
const XAPI = require("@xapi/xapi").default ?? require("@xapi/xapi");

const { LRS, LRS_USER, LRS_SECRET } = process.env;
const auth = XAPI.toBasicAuth(LRS_USER, LRS_SECRET);
const COURSE = "https://lms.example/courses/cit-40";

function statement(verb, id = randomUUID()) {
  return {
    id,
    actor: { objectType: "Agent", account: { homePage: "https://lms.example", name: "lee" } },
    verb: { id: `http://adlnet.gov/expapi/verbs/${verb}`, display: { en: verb } },
    object: { objectType: "Activity", id: COURSE },
    timestamp: "2026-03-06T16:30:00-06:00",
  };
}

async function main() {
  for (const version of ["1.0.3", "2.0.0"]) {
    const lrs = new XAPI({ endpoint: LRS, auth, version });
    const about = await lrs.getAbout();
    assert.ok(about.data.version.includes(version));
    const sent = statement("completed");
    assert.deepStrictEqual((await lrs.sendStatement({ statement: sent })).data, [sent.id]);
    assert.strictEqual((await lrs.getStatement({ statementId: sent.id })).data.verb.id, sent.verb.id);
    const several = [statement("initialized"), statement("passed")];
    assert.deepStrictEqual((await lrs.sendStatements({ statements: several })).data, several.map(({ id }) => id));
    let page = await lrs.getStatements({ agent: sent.actor, limit: 2 });
    assert.strictEqual(page.data.statements.length, 2);
    page = await lrs.getMoreStatements({ more: page.data.more });
    assert.ok(page.data.statements.length >= 1);
    await lrs.voidStatement({ actor: sent.actor, statementId: sent.id });
    assert.strictEqual((await lrs.getVoidedStatement({ voidedStatementId: sent.id })).data.id, sent.id);
    const other = { ...several[1], object: { id: "https://lms.example/other" } };
    await assert.rejects(lrs.sendStatement({ statement: other }), (error) => (error.response?.status ?? error.status) === 409);
    console.log(`ok  @xapi/xapi by ${version}: about, send, get, pages, void, conflict`);
  }
  const wrong = new XAPI({ endpoint: LRS, auth: XAPI.toBasicAuth(LRS_USER, "wrong"), version: "1.0.3" });
  await assert.rejects(wrong.getStatements({}), (error) => (error.response?.status ?? error.status) === 401);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
