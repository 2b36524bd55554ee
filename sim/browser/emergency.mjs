// An emergency in a real browser: a clinician asks a colleague, declares an emergency, signs in for it and sees the record; an officer reviews it.
//
// Usage: node emergency.mjs TOOLS CHROMIUM ORIGIN PICTURES
// The invitations and what is kept are the first line of the standard input, as JSON.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, program, origin, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const { clinician, officer, number, facility, study, name } = JSON.parse(readFileSync(0, "utf8").split("\n")[0]);
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: program });

async function person(invitation, purpose) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB" });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") page.complaints.push(message.text()); });
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true },
  });
  await page.goto(`${origin}/enrol#${encodeURIComponent(invitation)}`);
  await page.selectOption("#purpose", purpose);
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.waitForURL(`${origin}/`);
  return page;
}

/** No page is wider than the screen that it is on. */
async function looked(page, what) {
  for (const language of ["en", "id"]) for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 844 });
    await page.goto(`${origin}/language/${language}?back=/emergency`);
    await page.locator("main.spot h1").waitFor();
    await page.screenshot({ path: join(pictures, `${what}-${language}-${width}.png`), fullPage: true });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${what} ${language} ${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 844 });
  await page.goto(`${origin}/language/en?back=/emergency`);
}

const one = await person(clinician, "TREAT");
await one.getByRole("link", { name: "On the spot" }).click();
await one.fill("#reason", "a long list");
await one.getByRole("button", { name: "Ask", exact: true }).click();
await one.locator("#said", { hasText: "A colleague of your facility can now approve it" }).waitFor();
await one.locator("#askings", { hasText: "a long list" }).waitFor();
await one.goto(`${origin}/?number=${number}`);
assert.ok(!(await one.content()).includes(name), "nobody of this facility knows the patient");
await one.goto(`${origin}/emergency`);
await one.fill("#number", number);
await one.fill("#facility", facility);
await one.fill("#why", "unconscious, nobody with the patient");
await one.getByRole("button", { name: "Open in an emergency" }).click();
await one.locator("#said", { hasText: "Sign in for the purpose BTG" }).waitFor();
await looked(one, "clinician");
assert.equal(await one.locator("#queue").count(), 0, "a clinician reviews nothing");
await one.getByRole("button", { name: "Sign out" }).click();
await one.waitForURL((url) => url.pathname === "/signin");
await one.selectOption("#purpose", "BTG");
await one.getByRole("button", { name: "Sign in with a passkey" }).click();
await one.waitForURL((url) => url.pathname !== "/signin");
await one.goto(`${origin}/studies/${study}`);
await one.getByText(name).first().waitFor();

const other = await person(officer, "HOPERAT");
await looked(other, "officer");
assert.equal(await other.locator("form#ask, form#break").count(), 0, "an officer asks for no record");
await other.locator("#queue", { hasText: "unconscious" }).waitFor();
other.on("dialog", (dialog) => dialog.accept("seen in the emergency room"));
await other.getByRole("button", { name: "Justified", exact: true }).click();
await other.locator("#said", { hasText: "Reviewed." }).waitFor();
await other.getByText("Nothing waits.").waitFor();
assert.deepEqual([...one.complaints, ...other.complaints], []);
await browser.close();
console.log(JSON.stringify({ done: true }));
