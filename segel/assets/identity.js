// Who is signed in at this browser: a key that cannot leave it, and tokens that are worth nothing without it (RFC 9449). The pages and
// the service worker share this file.
"use strict";
self.segelIdentity = (() => {
  const SESSION = "session", BEGUN = "begun";
  // A token is renewed this long before its end, so that none runs out on its way.
  const RENEWED_BEFORE_MS = 60_000;
  const text = new TextEncoder();

  function encode(bytes) {
    let out = "";
    for (const byte of new Uint8Array(bytes)) out += String.fromCharCode(byte);
    return btoa(out).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }
  function decode(coded) {
    return Uint8Array.from(atob(coded.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  }
  const part = (value) => encode(text.encode(JSON.stringify(value)));

  function table(mode, act) {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open("segel", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("identity");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const change = opening.result.transaction("identity", mode);
        const asked = act(change.objectStore("identity"));
        const end = (settle, value) => { opening.result.close(); settle(value); };
        change.oncomplete = () => end(resolve, asked.result);
        change.onabort = () => end(reject, change.error);
      };
    });
  }
  const read = (name) => table("readonly", (rows) => rows.get(name));
  const write = (name, value) => table("readwrite", (rows) => rows.put(value, name));
  const remove = (name) => table("readwrite", (rows) => rows.delete(name));

  // The private half is not extractable: a script can sign with it while it runs here, and take it nowhere.
  async function newKey() {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    // RFC 7638 3: members in this order, nothing else.
    const print = await crypto.subtle.digest("SHA-256", text.encode(JSON.stringify({ crv, kty, x, y })));
    return { key: pair.privateKey, jwk: { crv, kty, x, y }, thumbprint: encode(print), aheadMs: 0 };
  }

  /** A proof for one request (RFC 9449 4.2). */
  async function proof(holder, method, address, token) {
    const url = new URL(address, self.location.origin);
    const claims = {
      jti: encode(crypto.getRandomValues(new Uint8Array(16))),
      htm: method,
      htu: url.origin + url.pathname,
      // The clock of a reading room's machine may be off; the server's is known from its last answer.
      iat: Math.floor((Date.now() + holder.aheadMs) / 1000),
    };
    if (token) claims.ath = encode(await crypto.subtle.digest("SHA-256", text.encode(token)));
    const signed = `${part({ typ: "dpop+jwt", alg: "ES256", jwk: holder.jwk })}.${part(claims)}`;
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, holder.key, text.encode(signed));
    return `${signed}.${encode(signature)}`;
  }

  /** Asks a route of /auth: with a body as a key's holder, with a session's token as its owner. */
  async function ask(holder, path, body) {
    const headers = { Accept: "application/json" };
    if (body) Object.assign(headers, { "Content-Type": "application/json", DPoP: await proof(holder, "POST", path) });
    else Object.assign(headers, await shown(holder, "POST", path));
    const answer = await fetch(path, { method: "POST", headers, body: body && JSON.stringify(body), cache: "no-store" });
    const said = Date.parse(answer.headers.get("Date"));
    if (said) {
      const ahead = said - Date.now();
      // The header counts whole seconds.
      holder.aheadMs = Math.abs(ahead) < 2_000 ? 0 : ahead;
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.error || String(answer.status)), { status: answer.status, told });
    return told;
  }

  /** Keeps what signing in or renewing gave (RFC 6749 5.1). */
  async function keep(holder, told) {
    const session = { ...holder, token: told.access_token, until: Date.now() + Number(told.expires_in) * 1_000 };
    await write(SESSION, session);
    return session;
  }

  // One renewal at a time, whoever waits for it.
  let renewing = null;
  function renew(session) {
    renewing ??= (async () => {
      try {
        return await keep(session, await ask(session, "/auth/renew"));
      } catch (error) {
        if (error.status === 400 || error.status === 401) { await remove(SESSION); return null; }
        // The archive is away for a moment: what is held may still be good.
        return session;
      } finally {
        renewing = null;
      }
    })();
    return renewing;
  }

  /** The session, with a token that is good for a while; null if nobody is signed in. */
  async function current() {
    const session = await read(SESSION);
    if (!session) return null;
    return session.until - Date.now() > RENEWED_BEFORE_MS ? session : renew(session);
  }

  /** The headers that one request needs. */
  async function shown(session, method, address) {
    return { Authorization: `DPoP ${session.token}`, DPoP: await proof(session, method, address, session.token) };
  }

  return {
    encode, decode, newKey, ask, keep, current, renew, headers: shown,
    held: () => read(SESSION),
    forget: () => remove(SESSION),
    begin: (holder) => write(BEGUN, holder),
    begun: () => read(BEGUN),
    ended: () => remove(BEGUN),
  };
})();
