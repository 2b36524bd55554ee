// Signing in and enrolling with a passkey (WebAuthn), or through the hospital's own provider.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const identity = self.segelIdentity;
  const passkey = $("passkey"), providers = $("providers"), invitation = $("invitation"), returned = $("returned"), message = $("notice");
  const asked = new URLSearchParams(location.search);

  const tell = (name) => { message.textContent = name ? message.dataset[name] || message.dataset.failed : ""; message.hidden = !name; };
  // Another host could be hidden behind `//` or `/\`.
  const here = (path) => (/^\/(?![/\\])/.test(path || "") ? path : "/");
  const purpose = () => $("purpose")?.value || "TREAT";

  /** What this browser, or the way it came here, does not have. */
  function missing() {
    if (!self.isSecureContext) return ["insecure"];
    const lacks = [];
    if (!("serviceWorker" in navigator)) lacks.push("worker");
    if (!self.indexedDB || !self.crypto?.subtle) lacks.push("keys");
    if (!self.PublicKeyCredential) lacks.push("webauthn");
    // WebAuthn knows names of hosts and no addresses.
    if (/^[\d.]+$|^\[/.test(location.hostname)) lacks.push("address");
    return lacks;
  }

  const after = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

  async function worker() {
    const ready = navigator.serviceWorker.register("/worker.js", { scope: "/" }).then(() => navigator.serviceWorker.ready);
    const found = await Promise.race([ready.catch((error) => { console.error(error); }), after(10_000)]);
    // A private window, or a setting of the browser: there is the function, and no worker.
    if (!found) throw Object.assign(new Error("no service worker"), { name: "NoWorker" });
    if (navigator.serviceWorker.controller) return;
    // After a forced reload no worker serves this page, and the next visit is served again.
    const controlled = new Promise((resolve) => { navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }); });
    await Promise.race([controlled, after(3_000)]);
  }

  async function enter(path) {
    await worker();
    location.replace(here(path));
  }

  async function signIn() {
    // Without a worker the session would be good for nothing: that is found out before it begins.
    await worker();
    const holder = await identity.newKey();
    const begun = await identity.ask(holder, "/auth/passkey/begin", { thumbprint: holder.thumbprint });
    const { rawId, response } = await navigator.credentials.get({ publicKey: {
      challenge: identity.decode(begun.challenge), rpId: begun.rp_id, userVerification: "required", timeout: 120_000,
    } });
    const told = await identity.ask(holder, "/auth/passkey/finish", {
      credential: identity.encode(rawId), authenticator_data: identity.encode(response.authenticatorData),
      client_data: identity.encode(response.clientDataJSON), signature: identity.encode(response.signature),
      user_handle: response.userHandle ? identity.encode(response.userHandle) : null, purpose: purpose(),
    });
    await identity.keep(holder, told);
    await enter(asked.get("back"));
  }

  async function enrol() {
    await worker();
    const code = invitation.value.trim();
    const holder = await identity.newKey();
    const begun = await identity.ask(holder, "/auth/enrol/begin", { invitation: code, thumbprint: holder.thumbprint });
    const { response } = await navigator.credentials.create({ publicKey: {
      challenge: identity.decode(begun.challenge), rp: { id: begun.rp_id, name: "Segel" },
      user: { id: identity.decode(begun.user), name: begun.name, displayName: begun.name },
      pubKeyCredParams: begun.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: begun.credentials.map((id) => ({ type: "public-key", id: identity.decode(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none", timeout: 120_000,
    } });
    const told = await identity.ask(holder, "/auth/enrol/finish", {
      invitation: code, client_data: identity.encode(response.clientDataJSON),
      attestation: identity.encode(response.attestationObject), purpose: purpose(),
    });
    await identity.keep(holder, told);
    await enter("/");
  }

  async function toProvider(name) {
    await worker();
    const holder = await identity.newKey();
    const begun = await identity.ask(holder, "/auth/oidc/begin", { provider: name, thumbprint: holder.thumbprint, back: here(asked.get("back")) });
    await identity.begin({ ...holder, purpose: purpose() });
    location.assign(begun.location);
  }

  async function fromProvider() {
    const { purpose, ...holder } = (await identity.begun()) || {};
    await identity.ended();
    if (!holder.key || !asked.get("code")) throw Object.assign(new Error("the provider signed nobody in"), { status: 400 });
    const told = await identity.ask(holder, "/auth/oidc/finish", { code: asked.get("code"), state: asked.get("state"), iss: asked.get("iss"), purpose });
    await identity.keep(holder, told);
    await enter(told.back);
  }

  async function attempt(action) {
    tell(null);
    const buttons = [...document.querySelectorAll("main button")];
    for (const button of buttons) button.disabled = true;
    try {
      await action();
    } catch (error) {
      if (error.name === "NotAllowedError" || error.name === "AbortError") tell("cancelled");
      else if (error.name === "InvalidStateError") tell("known");
      else if (error.name === "NoWorker") tell("worker");
      else if (error.status === 429) tell("often");
      else if (error.status >= 500) tell("busy");
      else if (error.status) tell("refused");
      else { console.error(error); tell("failed"); }
      if (returned) returned.hidden = true;
      for (const button of buttons) button.disabled = false;
    }
  }

  async function offerProviders() {
    const { providers: offered } = await (await fetch("/auth/ways")).json();
    for (const { name } of offered || []) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${providers.dataset.by} ${name}`;
      button.addEventListener("click", () => attempt(() => toProvider(name)));
      providers.append(button);
    }
    providers.hidden = providers.childElementCount === 0;
  }

  const lacks = missing();
  for (const name of lacks) document.querySelector(`[data-lack="${name}"]`).hidden = false;
  $("lacking").hidden = lacks.length === 0;
  if (lacks.includes("address") && ["127.0.0.1", "[::1]"].includes(location.hostname)) {
    $("by-name").href = `//localhost:${location.port}${location.pathname}${location.search}${location.hash}`;
    $("by-name").hidden = false;
  }
  if (lacks.length > 0 && $("token-way")) $("token-way").open = true;
  // A provider of the hospital's own needs no passkey here.
  if (lacks.some((name) => !["address", "webauthn"].includes(name))) return;
  if (returned) { attempt(fromProvider); return; }
  if (passkey && lacks.length === 0) {
    passkey.hidden = false;
    passkey.addEventListener("submit", (event) => { event.preventDefault(); attempt(invitation ? enrol : signIn); });
    // A link to here carries its code behind the `#`, which no server and no log sees.
    if (invitation && location.hash.length > 1) {
      invitation.value = decodeURIComponent(location.hash.slice(1));
      history.replaceState(null, "", location.pathname);
    }
  }
  if (providers) offerProviders().catch((error) => console.error(error));
  if (asked.has("ended")) tell("ended");
  // Whoever is signed in already, and comes here by a forced reload, goes on.
  else if (!invitation) identity.current().then((session) => session && enter(asked.get("back"))).catch((error) => console.error(error));
})();
