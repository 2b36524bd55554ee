// Shows who asks with every request of these pages, page visits and pictures among them: the token, and a proof for this one request
// made with the browser's own key. So nothing that opens records is kept in a cookie.
"use strict";
importScripts("/assets/identity.js");
const identity = self.segelIdentity;

// What anybody may have, and what shows proofs of its own.
const OPEN = ["/assets/", "/signin", "/enrol", "/language/", "/worker.js", "/healthz", "/favicon.ico", "/openapi.json", "/.well-known/",
  "/auth/ways", "/auth/passkey/", "/auth/enrol/", "/auth/device/", "/auth/oidc/", "/auth/token", "/auth/renew", "/auth/signout"];

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin || OPEN.some((start) => url.pathname.startsWith(start))) return;
  // A script that shows a proof of its own knows what it does.
  if (request.headers.has("Authorization")) return;
  const visits = request.mode === "navigate";
  // Another site can make a browser visit an address here, and can send a form here. A visit only shows a page to the person who is
  // signed in; a form would act in that person's name, so it goes out as it came, without a token. A visit inside a frame is nobody's here.
  if (visits && (!["GET", "HEAD"].includes(request.method) || request.destination !== "document")) return;
  event.respondWith(answer(request, visits));
});

async function answer(request, visits) {
  let session = await identity.current();
  if (!session) return fetch(request);
  const body = ["GET", "HEAD"].includes(request.method) ? undefined : await request.arrayBuffer();
  let answered = await send(request, session, body, visits);
  if (answered.status === 401) {
    session = await identity.renew(session);
    if (session) answered = await send(request, session, body, visits);
    if (answered.status === 401) await identity.forget();
  }
  if (answered.status === 401 && visits) {
    const here = new URL(request.url);
    return Response.redirect(`/signin?ended&back=${encodeURIComponent(here.pathname + here.search)}`, 303);
  }
  return answered;
}

async function send(request, session, body, visits) {
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(await identity.headers(session, request.method, request.url))) headers.set(name, value);
  // A proof is good for one address: a page that answers with another one sends the browser there, and it comes by here again.
  return fetch(request.url, { method: request.method, headers, body, credentials: "same-origin", cache: "no-store",
    redirect: visits ? "manual" : "follow", signal: request.signal });
}
