// Signing in through the hospital's own provider, in a real browser: a name that the archive knows, and one that it does not.
//
// Usage: node provider.mjs TOOLS CHROMIUM ORIGIN PICTURES
// The first line of the standard input, as JSON: the provider's name at the archive, who signs in there, and what is kept.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, program, origin, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const { provider, known, stranger, name, study } = JSON.parse(readFileSync(0, "utf8").split("\n")[0]);
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: program });

// The address that the provider sends the browser back to: whoever catches it has a code that was used, for a key of somebody else.
let caught = "";

async function visit(login) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB" });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  page.on("request", (request) => { if (request.url().includes("/auth/oidc/callback")) caught ||= request.url(); });
  await page.goto(`${origin}/signin?back=${encodeURIComponent(`/studies/${study}`)}`);
  await page.getByRole("button", { name: `Sign in through ${provider}` }).click();
  await page.locator('input[name="login"]').fill(login);
  await page.locator('input[name="password"]').fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  return { context, page };
}

const ours = await visit(known);
await ours.page.waitForURL(`${origin}/studies/${study}`);
await ours.page.getByText(name).first().waitFor();
await ours.page.screenshot({ path: join(pictures, "study.png") });
assert.ok(!(await ours.context.cookies(origin)).some((cookie) => cookie.name === "segel-session"));

const theirs = await visit(stranger);
await theirs.page.locator("#notice", { hasText: "signed in nobody" }).waitFor();
await theirs.page.screenshot({ path: join(pictures, "refused.png") });
await theirs.page.goto(`${origin}/studies/${study}`);
assert.equal(new URL(theirs.page.url()).pathname, "/signin");
await theirs.page.goto(caught);
await theirs.page.locator("#notice", { hasText: "signed in nobody" }).waitFor();
await browser.close();
console.log(JSON.stringify({ done: true }));
