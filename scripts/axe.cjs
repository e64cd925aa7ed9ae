// Fills a running service with a small campaign, opens its pages in a browser as wide as a phone and as wide as a desk, and holds them to
// axe's rules: nothing serious may be found. No page may need scripts, or be wider than its window.
//
//   axe.cjs URL CHROMIUM        with tokens of two clients in ONEMIND_TOKEN and ONEMIND_APPLICANT; pictures go to SCREENSHOTS, where it is set
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [url, executablePath] = process.argv.slice(2);
const { ONEMIND_TOKEN, ONEMIND_APPLICANT, SCREENSHOTS } = process.env;
const WIDTHS = [390, 1280];
const SERIOUS = ["serious", "critical"];

async function send(method, path, body, token = ONEMIND_TOKEN) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

function day(months) {
  const date = new Date();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, 10);
}

async function agency(ori, name, kind, pledged) {
  await send("PUT", `/v1/agencies/ori:${ori}`, { name, kind, country: "US", subdivision: "US-TX", sworn_strength: { count: 10, as_of: day(-3) } });
  const signatory = { name: "Maria Rivera", title: "Chief of Police" };
  await send("POST", "/v1/pledges", { agency: `ori:${ori}`, standard: "one-mind", pledged_on: day(pledged), term_months: 24, signatory });
}

async function requirements(ori, trained, crisis) {
  const agency = `ori:${ori}`;
  const organization = { name: "Hill Country MHDD", kind: "community_mental_health" };
  await send("POST", "/v1/partnerships", { agency, organization, agreement: "mou", effective_on: day(-12), ends_on: day(14) });
  await send("POST", "/v1/policies", { agency, title: "Response to people in crisis", adopted_on: day(-12) });
  const officer = (_, n) => ({ family_name: `Officer ${n}`, given_name: "Ada", employee_number: `E-${n}`, sworn: true, started_on: "2015-05-01" });
  await send("PUT", `/v1/agencies/${agency}/roster`, { as_of: day(0), officers: Array.from({ length: 10 }, officer) });
  const completions = Array.from({ length: trained }, (_, n) => ({
    external_id: `${ori}-${n}`, officer: { agency, employee_number: `E-${n}` }, training: { code: n < crisis ? "CIT-40" : "MHFA-8" },
    completed_on: day(n % 9 - 10),
  }));
  await send("POST", "/v1/completions/batch", { completions });
}

async function certificate(ori, revoked) {
  await requirements(ori, 10, 4);
  const applied = await send("POST", "/v1/certifications", { agency: `ori:${ori}` }, ONEMIND_APPLICANT);
  const decide = (decision, note = null) => send("POST", `/v1/certifications/${applied.id}/decision`, { decision, note });
  await decide("start_review");
  const { number } = await decide("award");
  if (revoked) await decide("revoke", "The roster was made up");
  return number;
}

async function campaign() {
  const course = async (code, title, program, category, validity_months) => {
    const { id } = await send("POST", "/v1/trainings", { code, title, program, category, hours: 8, validity_months });
    await send("PUT", `/v1/trainings/${id}/recognition`, { status: "recognized", note: null });
  };
  await course("CIT-40", "Crisis intervention", "cit", "crisis_intervention", null);
  await course("MHFA-8", "Mental Health First Aid", "mhfa_public_safety", "mental_health_awareness", 24);
  await agency("TX2270000", "Travis County Sheriff's Office", "sheriff", -20);
  await agency("TX1550200", "Waco Police Department", "municipal_police", -18);
  await agency("TX2270100", "Austin Police Department", "municipal_police", -6);
  await agency("TX0570100", "Dallas–Fort Worth International Airport Department of Public Safety, Police Services Division", "special_jurisdiction", -30);
  for (let n = 10; n < 40; n += 1) await agency(`TX00000${n}`, `Town ${n} Police Department`, "municipal_police", -n / 2 | 0);
  const valid = await certificate("TX2270000", false);
  const revoked = await certificate("TX1550200", true);
  await requirements("TX2270100", 9, 3);
  return {
    register: "/public/register",
    certified: "/public/register?stage=certified",
    pages: "/public/register?stage=pledged&limit=5",
    nothing: "/public/register?name=nobody&kind=tribal",
    valid: `/public/certificates/${valid}`,
    revoked: `/public/certificates/${revoked}`,
    news: "/public/highlights",
    status: "/v1/agencies/ori:TX2270100/certification-status",
    "status-certified": "/v1/agencies/ori:TX2270000/certification-status",
    badge: "/public/agencies/TX2270000/badge.svg",
    "badge-pledged": "/public/agencies/TX2270100/badge.svg",
    readiness: `/v1/agencies/ori:TX2270100/readiness.svg?from=${day(-12)}&to=${day(30)}`,
  };
}

async function main() {
  const puppeteer = require("puppeteer-core").default;
  const pages = await campaign();
  const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
  let faults = 0;
  try {
    for (const [name, path] of Object.entries(pages)) {
      for (const width of WIDTHS) {
        const page = await browser.newPage();
        // Ours may not bring scripts; axe comes in by the side door.
        await page.setBypassCSP(true);
        await page.setCacheEnabled(false);
        await page.setViewport({ width, height: 900 });
        await page.setExtraHTTPHeaders({ ...(path.startsWith("/v1/") && { authorization: `Bearer ${ONEMIND_TOKEN}` }), accept: "text/html,*/*;q=0.8" });
        const response = await page.goto(url + path);
        assert.strictEqual(response.status(), 200, path);
        if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}-${width}.png`, fullPage: !path.includes(".svg") });
        if (!path.includes(".svg")) {
          assert.strictEqual(await page.evaluate(() => document.scripts.length), 0, `${path} has scripts`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${path} is ${wide} px wide in a window of ${width}`);
        }
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, impact, help, nodes } of violations) {
          if (path.includes(".svg") && !SERIOUS.includes(impact)) continue;
          console.log(`${SERIOUS.includes(impact) ? "FAULT" : "note "} ${path} at ${width} px: ${impact} ${id}: ${help}: ${nodes.map((node) => node.html).join(" ").slice(0, 300)}`);
          faults += SERIOUS.includes(impact) ? 1 : 0;
        }
        await page.close();
      }
      console.log(`ok  ${path}`);
    }
  } finally {
    await browser.close();
  }
  assert.strictEqual(faults, 0, `axe found ${faults} serious faults`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
