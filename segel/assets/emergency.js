// A colleague's word, an emergency and its review. Each is posted with a proof of its own: what was signed to look at something approves
// nothing.
"use strict";
(() => {
  const said = document.getElementById("said");
  const words = said.dataset;
  const say = (text) => { said.textContent = text; };
  const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Asia/Jakarta" });
  const there = (id) => document.getElementById(id);

  async function call(method, path, body) {
    const session = self.segelIdentity && await self.segelIdentity.current();
    if (!session) { say(words.nobody); return null; }
    const headers = { Accept: "application/json", ...await self.segelIdentity.headers(session, method, path) };
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    if (answer.ok) return answer.json();
    if (body) say(answer.status === 429 ? words.spent : words.refused);
    return null;
  }

  function part(name, text) {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  function line(list, who, when, reason, buttons) {
    const [item, text] = [document.createElement("li"), document.createElement("p")];
    text.append(part("b", who), " ", part("small", when), document.createElement("br"), reason);
    item.append(text);
    for (const [label, act] of buttons) {
      const button = part("button", label);
      button.addEventListener("click", act);
      item.append(button);
    }
    list.append(item);
  }

  function askings(all) {
    const list = document.getElementById("askings");
    list.replaceChildren();
    for (const one of all ?? []) {
      const state = one.state === "approved" ? words.good.replace("%", clock(one.until)) : words[one.state];
      const approve = async () => { const now = await call("POST", "/auth/step-up/approve", { id: one.id }); if (now) { say(words.approved); askings(now); } };
      line(list, `${one.name} (${words[one.role] ?? one.role})`, `${clock(one.at)} · ${state}`, one.reason,
        !one.own && one.state === "waiting" ? [[words.approve, approve]] : []);
    }
  }

  function reviews(all) {
    if (!all && !said.textContent) say(words.purpose);
    const waiting = (all ?? []).filter((one) => !one.review);
    there("none").hidden = !all || waiting.length > 0;
    const list = document.getElementById("queue");
    list.replaceChildren();
    for (const one of waiting) {
      const review = (justified) => async () => {
        const note = prompt(`${justified ? words.justified : words.unjustified}. ${words.note}:`);
        const now = note && await call("POST", "/auth/break-glass/review", { id: one.id, justified, note });
        if (now) { say(words.reviewed); reviews(now); }
      };
      line(list, `${one.name ?? one.actor} (${one.facility})`, `${clock(one.at)}${one.overdue ? ` · ${words.overdue}` : ""}`, one.reason,
        [[words.justified, review(true)], [words.unjustified, review(false)]]);
    }
  }

  function submit(id, act) {
    const form = there(id);
    form?.addEventListener("submit", (event) => { event.preventDefault(); act(Object.fromEntries(new FormData(form)), form); });
  }
  submit("ask", async ({ reason }, form) => {
    const now = await call("POST", "/auth/step-up", { reason });
    if (now) { say(words.asked); askings(now); form.reset(); }
  });
  submit("break", async ({ number, facility, reason }, form) => {
    const opened = await call("POST", "/auth/break-glass", { number, reason, ...(facility ? { facility } : {}) });
    if (opened) { say(words.broken.replace("%", clock(opened.until))); form.reset(); }
  });

  if (there("ask")) call("GET", "/auth/step-up").then(askings);
  if (there("queue")) call("GET", "/auth/break-glass/queue").then(reviews);
})();
