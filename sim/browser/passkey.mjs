// A clinician's passkey in a real browser against a real archive: enrolled by an invitation, used, signed out, used again; then what is
// left to somebody who copied everything that a browser can be made to tell. Prints its last line as JSON: requests for curl to try.
//
// Usage: node passkey.mjs TOOLS CHROMIUM ORIGIN PICTURES
// The invitation and what is kept are the first line of the standard input, as JSON: arguments are seen by every process of a machine.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, program, origin, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const { invitation, name, study, series, instance } = JSON.parse(readFileSync(0, "utf8").split("\n")[0]);
const port = new URL(origin).port;

rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({
  executablePath: program,
  // A name that is this machine, and that no browser takes for it: as an archive in the hospital's network looks.
  args: ["--host-resolver-rules=MAP archive.test 127.0.0.1"],
});
const WAIT_MS = 30_000;

async function window(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "id-ID", ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  return { context, page, complaints };
}

const { context, page, complaints } = await window();
const picture = (of, what) => of.screenshot({ path: join(pictures, `${what}.png`) });
const devtools = await context.newCDPSession(page);
await devtools.send("WebAuthn.enable");
const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
  options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true },
});
const credentials = async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
const path = () => new URL(page.url()).pathname;

async function entrance() {
  await page.goto(`${origin}/`);
  assert.equal(path(), "/signin", "nobody is signed in");
  await page.locator("#passkey").waitFor();
  await picture(page, "signin-id");
  await page.goto(`${origin}/language/en?back=/signin`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  await picture(page, "signin-en");
  // No passkey is there yet, and the page says so. A virtual device without one would wait for another.
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
}

async function enrolment() {
  await page.goto(`${origin}/enrol#no-such-code`);
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.locator("#notice", { hasText: "This invitation is not valid" }).waitFor();
  assert.equal((await credentials()).length, 0, "nothing was made for a wrong code");
  await picture(page, "enrol-refused");
  complaints.length = 0;
  await page.goto("about:blank");
  await page.goto(`${origin}/enrol#${encodeURIComponent(invitation)}`);
  assert.equal(await page.locator("#invitation").inputValue(), invitation);
  assert.ok(!page.url().includes(invitation), "the code is gone from the address");
  await picture(page, "enrol");
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.waitForURL(`${origin}/`);
  await page.getByText(name).first().waitFor();
  await picture(page, "studies");
  const [made] = await credentials();
  assert.ok(made.isResidentCredential && made.rpId === "localhost", JSON.stringify(made.rpId));
}

const token = () => page.evaluate(() => self.segelIdentity.held().then((session) => session.token));

async function reading() {
  const before = await token();
  await page.goto(`${origin}/studies/${study}`);
  await page.getByText(name).first().waitFor();
  const thumbnail = page.locator("button.series img").first();
  await thumbnail.evaluate((image) => image.decode());
  assert.ok(await thumbnail.evaluate((image) => image.naturalWidth > 0), "the picture in the strip");
  await page.locator("#counter, #zoom").filter({ hasText: "×" }).first().waitFor();
  await picture(page, "study");
  // A program's door through the worker: as an address of a picture, and as a script asks.
  const address = `/dicom-web/studies/${study}/series/${series}/instances/${instance}/thumbnail`;
  const width = await page.evaluate(async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    return image.naturalWidth;
  }, address);
  assert.ok(width > 0, "a thumbnail of DICOMweb");
  const metadata = await page.evaluate(async (study) => (await fetch(`/dicom-web/studies/${study}/metadata`)).status, study);
  assert.equal(metadata, 200);
  for (const step of ["/results", "/", `/?name=${encodeURIComponent(name.split(",")[0])}`]) {
    const answer = await page.goto(origin + step);
    assert.equal(answer.status(), 200, step);
    assert.ok(answer.fromServiceWorker(), `${step} came through the worker`);
  }
  await picture(page, "search");
  // Tokens last for a minute here, and are renewed a minute before their end: unseen, and whatever is asked at the same time.
  assert.notEqual(await token(), before, "the worker renews the token");
  // A reload, and a forced one, which no worker serves: it comes back by way of the sign-in page without a question.
  await page.reload();
  await page.getByText(name).first().waitFor();
  await devtools.send("Page.enable");
  await devtools.send("Page.reload", { ignoreCache: true });
  await page.waitForURL((url) => url.pathname === "/" && url.search.startsWith("?name="));
  await page.getByText(name).first().waitFor();
}

/** Everything that a script of ours, or whoever takes its place, can be made to tell. */
async function told() {
  const cookies = (await context.cookies()).map((cookie) => cookie.name);
  assert.deepEqual(cookies.filter((cookie) => cookie !== "segel-language"), [], "no cookie opens anything");
  const told = await page.evaluate(async (wanted) => {
    const session = await self.segelIdentity.held();
    const tried = [];
    for (const format of ["jwk", "pkcs8", "raw"]) tried.push(await crypto.subtle.exportKey(format, session.key).then(() => format, () => null));
    const headers = {};
    for (const [name, { method, url }] of Object.entries(wanted)) headers[name] = await self.segelIdentity.headers(session, method, url);
    return { token: session.token, exported: tried.filter(Boolean), headers, extractable: session.key.extractable, jwk: session.jwk };
  }, wanted);
  assert.deepEqual(told.exported, [], "the key leaves in no form");
  assert.equal(told.extractable, false);
  return told;
}

const metadata = `${origin}/dicom-web/studies/${study}/metadata`;
const wanted = {
  own: { method: "GET", url: metadata },
  page: { method: "GET", url: `${origin}/studies/${study}` },
  image: { method: "GET", url: `${origin}/studies/${study}/series/${series}/instances/${instance}/image` },
  fhir: { method: "GET", url: `${origin}/fhir/Patient` },
  elsewhere: { method: "GET", url: `${origin}/dicom-web/studies` },
  post: { method: "POST", url: metadata },
  foreign: { method: "GET", url: metadata.replace(origin, "https://archive.example") },
};

/** Proofs that a thief of the token makes: with a key of the thief's own, with none, of another time, about another token. */
function forged(token, jwk) {
  const thief = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { crv, kty, x, y } = thief.publicKey.export({ format: "jwk" });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1_000);
  const ath = (of) => createHash("sha256").update(of).digest("base64url");
  const claims = (more) => ({ jti: randomUUID(), htm: "GET", htu: metadata, iat: now, ath: ath(token), ...more });
  const signed = (header, claims) => {
    const text = `${part({ typ: "dpop+jwt", alg: "ES256", jwk: { crv, kty, x, y }, ...header })}.${part(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), { key: thief.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  const unsigned = (alg) => `${part({ typ: "dpop+jwt", alg, jwk })}.${part(claims({}))}.`;
  const by = (proof) => ({ Authorization: `DPoP ${token}`, DPoP: proof });
  return {
    "another key": by(signed({}, claims({}))),
    "another key under the right key's name": by(signed({ jwk }, claims({}))),
    unsigned: by(unsigned("none")),
    "unsigned under the right algorithm": by(unsigned("ES256")),
    empty: by("x"),
    "no proof": { Authorization: `DPoP ${token}` },
    "as a bearer token": { Authorization: `Bearer ${token}` },
    "in a cookie": { Cookie: `segel-session=${token}` },
  };
}

await entrance();
await enrolment();
await reading();
const first = await told();
complaints.length = 0;

// Signing out ends the session there, not only here.
await page.getByRole("button", { name: "Sign out" }).click();
await page.waitForURL((url) => url.pathname === "/signin");
await page.goto(`${origin}/studies/${study}`);
assert.equal(path(), "/signin");
assert.equal(await page.evaluate(() => self.segelIdentity.held().then((session) => session ?? null)), null, "the key is forgotten");

// Elsewhere the page says what is missing.
const lacking = async (options, address, text, what) => {
  const other = await window(options);
  await other.page.goto(address);
  await other.page.getByText(text).waitFor();
  await picture(other.page, what);
  await other.context.close();
};
await lacking({}, `http://archive.test:${port}/signin`, "dibuka tanpa HTTPS", "lacks-https");
await lacking({}, `http://127.0.0.1:${port}/signin`, "bukan alamat IP", "lacks-name");
await lacking({ locale: "en-GB", javaScriptEnabled: false }, `${origin}/signin`, "Sign in with an access token", "lacks-script");
const blocked = await window({ locale: "en-GB", serviceWorkers: "block" });
await blocked.page.goto(`${origin}/signin`);
await blocked.page.getByRole("button", { name: "Sign in with a passkey" }).click();
await blocked.page.locator("#notice", { hasText: "no service worker" }).waitFor();
await picture(blocked.page, "lacks-worker");

const phone = await window({ viewport: { width: 390, height: 844 } });
await phone.page.goto(`${origin}/signin`);
await picture(phone.page, "signin-phone");
// The passkey signs in anew, and leads to where the way was interrupted.
await page.getByRole("button", { name: "Sign in with a passkey" }).click();
await page.waitForURL(`${origin}/studies/${study}`);
await page.getByText(name).first().waitFor();
assert.deepEqual(complaints, []);
const second = await told();
assert.notEqual(first.token, second.token);

await browser.close();
console.log(JSON.stringify({
  wanted, forged: forged(second.token, second.jwk), signed_out: first.headers, headers: second.headers,
}));
