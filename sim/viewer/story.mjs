// A reader's work in OHIF, in a real browser against a real archive: sign in, find the patient, read the stack, measure, save the
// measurement, and find it again. Prints what was measured as its last line, as JSON.
//
// Usage: node story.mjs TOOLS CHROMIUM VIEWER_ORIGIN ARCHIVE_ORIGIN SLICES PICTURES
// The reader's token is the first line of the standard input: arguments are seen by every process of a machine.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, program, viewer, archive, slicesText, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const slices = Number(slicesText);
const token = readFileSync(0, "utf8").split("\n")[0];
// Everything is waited for by what is to be seen; this long only where it never comes.
const WAIT_MS = 60_000;
const STORY_MS = 180_000;
// What sim/python/viewer_phantom.py computes: pixels of a side, their size, and the slice that shows the bleed whole.
const SIDE = 512;
const SPACING_MM = 0.45;
const BLEED = { instance: 26, x: 0.3, y: -0.08, hounsfield: 68 };
const WHITE_MATTER = { x: -0.3, y: 0.3, hounsfield: 29 };

rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({
  executablePath: program,
  // WebGL without a graphics card.
  args: ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--force-color-profile=srgb"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(WAIT_MS);

// What the page complains of, and everything it asked of anybody.
const complaints = [];
const asked = [];
page.on("console", (message) => {
  if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
});
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("response", (response) => asked.push({ request: response.request(), status: response.status() }));
page.on("requestfailed", (request) => asked.push({ request, status: 0, error: request.failure()?.errorText }));
const answers = [];
const questions = [];
page.on("dialog", (dialog) => {
  questions.push(dialog.message());
  return dialog.accept(answers.shift() ?? "");
});

const named = (name) => page.locator(`[data-cy="${name}"]`);
const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`) });

/** The picture as it is on the screen: its size, a digest, and its mean grey. */
const canvas = () =>
  page.evaluate(() => {
    const found = document.querySelector("canvas.cornerstone-canvas");
    const { data } = found.getContext("2d").getImageData(0, 0, found.width, found.height);
    let [digest, sum] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
      digest = (Math.imul(digest, 16777619) ^ data[at]) >>> 0;
      sum += data[at];
    }
    return { digest, mean: (sum * 4) / data.length, width: found.width, height: found.height };
  });

async function until(what, probe) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert.ok(Date.now() < end, `it never came: ${what}`);
    await page.waitForTimeout(50);
  }
}

/** Mean grey of a few pixels around a place of the phantom, whose own axes go from -1 to 1. */
async function grey({ x, y }) {
  const { width, height } = await canvas();
  const half = Math.min(width, height) / 2;
  const [left, top] = [Math.round(width / 2 + x * half) - 4, Math.round(height / 2 + y * half) - 4];
  return page.evaluate(([left, top]) => {
    const found = document.querySelector("canvas.cornerstone-canvas");
    const { data } = found.getContext("2d").getImageData(left, top, 9, 9);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at];
    return (sum * 4) / data.length;
  }, [left, top]);
}

/** Window width and level as the viewer says them. */
async function shownWindow() {
  const text = (await named("viewport-overlay-bottom-left").first().innerText()).replace(/\s+/g, "");
  const [, width, level] = /W:(-?[\d.]+)L:(-?[\d.]+)/.exec(text) ?? [];
  return { width: Number(width), level: Number(level) };
}

/** PS3.3 C.11.2.1.2: the grey that a Hounsfield value has under the window that the viewer says. */
async function holdsGreys() {
  const { width, level } = await shownWindow();
  for (const place of [BLEED, WHITE_MATTER]) {
    const expected = Math.min(255, Math.max(0, ((place.hounsfield - level) / width + 0.5) * 255));
    const seen = await grey(place);
    assert.ok(Math.abs(seen - expected) < 6, `${place.hounsfield} HU at W ${width} L ${level}: ${seen}, not ${expected}`);
  }
}

async function position() {
  const text = await named("viewport-overlay-bottom-right").first().innerText();
  const [, instance, at] = /I:\s*(\d+)\s*\((\d+)\/\d+\)/.exec(text) ?? [];
  return { instance: Number(instance), at: Number(at) };
}

async function signIn() {
  // A token whose signature was touched: the archive refuses it, and the viewer asks again.
  const last = token.at(-6) === "A" ? "B" : "A";
  answers.push(token.slice(0, -6) + last + token.slice(-5), token, token);
  const refused = page.waitForResponse((response) => response.status() === 401);
  await page.goto(viewer);
  await refused;
  await until("the refused token is forgotten or replaced", () =>
    page.evaluate((token) => [null, token].includes(sessionStorage.getItem("segel-token")), token),
  );
  await page.reload();
  await named("study-list-results").getByText("CT kepala tanpa kontras").waitFor();
  assert.ok(questions.length >= 2 && questions.every((question) => question.includes("Segel token")), `${questions}`);
  // From here on nothing may fail.
  complaints.length = 0;
  asked.splice(0, asked.length);
}

async function findPatient() {
  await page.getByRole("button", { name: "Confirm and hide" }).click();
  const rows = named("study-list-results").getByText("Rahayu, Siti");
  assert.equal(await rows.count(), 2, "a CT and a radiograph");
  const typed = [
    ["patientName", "PatientName", "Nobody", 0],
    ["patientName", "PatientName", "rahay", 2],
    ["mrn", "00100020", "RM-77000001", 2],
    ["description", "StudyDescription", "*kepala*", 1],
    ["description", "StudyDescription", "", 2],
  ];
  for (const [column, key, text, expected] of typed) {
    const searched = page.waitForResponse((response) => {
      const asked = new URL(response.url());
      return asked.pathname.endsWith("/studies") && (asked.searchParams.get(key) ?? "") === text;
    });
    await named(`input-${column}`).fill(text);
    assert.ok((await searched).ok());
    await until(`${expected} studies by ${column} ${text}`, async () => (await rows.count()) === expected);
  }
  await picture("1-study-list");
}

async function openStudy() {
  await named("study-list-results").getByText("CT kepala tanpa kontras").click();
  await page.getByText("Kepala 3 mm").first().waitFor();
  await page.getByRole("link", { name: "Basic Viewer" }).or(page.getByText("Basic Viewer")).first().click();
  await page.getByText("Skip all").click();
  const first = await until("a picture", async () => {
    const seen = await canvas().catch(() => undefined);
    return seen?.mean > 5 && seen;
  });
  assert.equal((await position()).at, 1);
  return first;
}

/** Every slice once, each another picture; and back to the bleed, each the picture that it was. */
async function scroll() {
  const pane = await named("viewport-pane").first().boundingBox();
  await page.mouse.move(pane.x + pane.width / 2, pane.y + pane.height / 2);
  const seen = [];
  let before = 0;
  for (let at = 1; at <= slices; at += 1) {
    if (at > 1) await page.mouse.wheel(0, 100);
    await until(`slice ${at}`, async () => (await position()).at === at);
    const shown = await until(`the picture of slice ${at}`, async () => {
      const now = await canvas();
      return now.digest !== before && now;
    });
    seen.push(shown.digest);
    before = shown.digest;
  }
  assert.equal(new Set(seen).size, slices, "every slice is another picture");
  const frames = asked.filter(({ request, status }) => status === 200 && request.url().endsWith("/frames/1"));
  assert.equal(new Set(frames.map(({ request }) => request.url())).size, slices, "every slice was asked for");
  for (let at = slices - 1; (await position()).instance !== BLEED.instance; at -= 1) {
    assert.ok(at >= 1, "the slice of the bleed");
    await page.mouse.wheel(0, -100);
    await until(`slice ${at} again`, async () => (await position()).at === at);
    await until(`the same picture of slice ${at}`, async () => (await canvas()).digest === seen[at - 1]);
  }
  await holdsGreys();
  await picture("2-stack");
}

async function narrowWindow() {
  const [before, first] = [await canvas(), await shownWindow()];
  assert.deepEqual(first, { width: 120, level: 40 }, "the window of the data set");
  const pane = await named("viewport-pane").first().boundingBox();
  const [x, y] = [pane.x + pane.width / 2, pane.y + pane.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 20, y, { steps: 5 });
  await page.mouse.up();
  await until("another window", async () => (await shownWindow()).width < first.width);
  await until("another picture", async () => (await canvas()).digest !== before.digest);
  await holdsGreys();
  await picture("3-window");
}

/** A line along the bleed: what its length must be, in millimetres, by the pixels of the screen and the phantom's own size. */
async function measure() {
  await named("MeasurementTools-split-button-primary").click();
  const pane = await page.locator("canvas.cornerstone-canvas").first().boundingBox();
  const half = Math.min(pane.width, pane.height) / 2;
  const [x, y] = [pane.x + pane.width / 2 + BLEED.x * half, pane.y + pane.height / 2 + BLEED.y * half];
  const [from, to] = [[x + 18, y - 62], [x - 18, y + 62]].map((place) => place.map(Math.round));
  await page.mouse.click(...from);
  await page.mouse.move(...to, { steps: 5 });
  await page.mouse.click(...to);
  await named("prompt-begin-tracking-yes-btn").click();
  await picture("4-measured");
  await named("trackedMeasurements-btn").click();
  const shown = await named("trackedMeasurements-panel").getByText(/^[\d.]+ mm$/).innerText();
  const expected = (Math.hypot(from[0] - to[0], from[1] - to[1]) * SIDE * SPACING_MM) / (2 * half);
  assert.ok(Math.abs(Number.parseFloat(shown) - expected) < 0.5, `the viewer measured ${shown}, not ${expected}`);
  return shown;
}

async function save() {
  await named("trackedMeasurements-panel").getByText("Create SR").click();
  await page.getByPlaceholder("Report name").fill("Ukuran perdarahan");
  const stored = page.waitForResponse((response) => response.request().method() === "POST");
  await named("input-dialog-save-button").getByRole("button").click();
  const response = await stored;
  assert.equal(response.status(), 200, await response.text());
  writeFileSync(join(pictures, "sent.multipart"), response.request().postDataBuffer());
  await named("study-browser-thumbnail-no-image").getByText("Ukuran perdarahan").waitFor();
  return (await response.json())["00081199"].Value[0]["00081155"].Value[0];
}

/** A new visit, as by a colleague: the report is in the list, and gives the measurement back. */
async function findReport(length) {
  await page.reload();
  await named("study-browser-thumbnail-no-image").getByText("Ukuran perdarahan").waitFor();
  await until("a picture", async () => (await canvas().catch(() => undefined))?.mean > 5);
  await named("study-browser-thumbnail-no-image").dblclick();
  await page.getByText("Do you want to continue tracking measurements for this study?").waitFor();
  await page.getByRole("button", { name: "Yes", exact: true }).click();
  await named("trackedMeasurements-btn").click();
  await named("trackedMeasurements-panel").getByText(length, { exact: true }).waitFor();
  await until("the slice that was measured", async () => (await position()).instance === BLEED.instance);
  await picture("5-report");
}

async function openRadiograph() {
  const before = await canvas();
  await named("studyBrowser-panel").getByText("Tangan kanan PA").click();
  const frame = page.waitForResponse((response) => response.url().endsWith("/frames/1") && response.ok());
  await named("study-browser-thumbnail").filter({ hasText: "Tangan" }).dblclick();
  await frame;
  await until("the radiograph", async () => {
    const now = await canvas().catch(() => undefined);
    return now?.mean > 5 && now.digest !== before.digest && (await shownWindow()).level === 2000;
  });
  await picture("6-radiograph");
}

/** Nothing failed, nothing went elsewhere, and the token went as a header and only so. */
function holdsRequests() {
  // Its guided tour complains if it comes before the picture that it wants to point at.
  assert.deepEqual(complaints.filter((complaint) => !complaint.includes("advanceOn")), []);
  const ours = asked.filter(({ request }) => request.url().startsWith(archive));
  for (const { request, status, error } of ours) {
    const told = `${request.method()} ${request.url()}: ${status} ${error ?? ""}`;
    // The viewer stops reading a frame at its last byte, before the end of the stream: the browser calls that aborted.
    const readWhole = error === "net::ERR_ABORTED" && request.url().endsWith("/frames/1");
    assert.ok((status >= 200 && status < 300) || readWhole, told);
    assert.equal(request.headers().authorization, `Bearer ${token}`, told);
    assert.ok(!decodeURIComponent(request.url()).includes(token.slice(-20)), told);
  }
  const known = [viewer, archive, "blob:", "data:"];
  const elsewhere = asked.map(({ request }) => request.url()).filter((url) => !known.some((start) => url.startsWith(start)));
  assert.deepEqual(elsewhere, []);
  return ours.length;
}

const tooLong = setTimeout(() => fail(new Error(`the story took longer than ${STORY_MS} ms`)), STORY_MS);
async function fail(error) {
  clearTimeout(tooLong);
  await picture("failed").catch(() => undefined);
  console.error(error);
  for (const complaint of complaints) console.error(`the page said: ${complaint}`);
  for (const { request, status, error: told } of asked.slice(-20)) {
    console.error(`${request.method()} ${request.url()}: ${status} ${told ?? ""}`);
  }
  process.exit(1);
}

process.on("unhandledRejection", fail);
try {
  const begun = Date.now();
  const step = async (name, work) => {
    const found = await work();
    console.log(`${((Date.now() - begun) / 1000).toFixed(1)} s: ${name}`);
    return found;
  };
  await step("signed in", signIn);
  await step("found the patient", findPatient);
  await step("opened the study", openStudy);
  await step("scrolled", scroll);
  await step("changed the window", narrowWindow);
  const length = await step("measured", measure);
  const report = await step("saved", save);
  await step("found the report again", () => findReport(length));
  await step("opened the radiograph", openRadiograph);
  const requests = holdsRequests();
  clearTimeout(tooLong);
  await browser.close();
  console.log(JSON.stringify({ length, report, requests }));
} catch (error) {
  await fail(error);
}
