// An outside OpenID Connect provider on loopback: one client, and any name that is typed signs in. Prints its issuer.
//
// Usage: node serve.mjs PACKAGES CLIENT_ID SECRET|-
// It ends with its standard input.
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, client, secret] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(join(packages, "node_modules/oidc-provider/lib/index.js")));
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = (half) => ({ ...half.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "test" });
// The key service fetches the keys when it starts, before the rest of the provider is there.
const early = (request, answer) => {
  const known = request.url === "/jwks";
  answer.writeHead(known ? 200 : 503, { "content-type": "application/json" });
  answer.end(known ? JSON.stringify({ keys: [key(pair.publicKey)] }) : "{}");
};
const server = createServer().on("request", early);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

// The archive's port is not known before it starts: its redirect URI is told by the first line of the input.
const [line] = await Promise.race([
  once((await import("node:readline")).createInterface({ input: process.stdin }), "line"),
  (async () => { console.log(issuer); await once(process.stdin, "end"); process.exit(1); })(),
]);
const provider = new Provider(issuer, {
  clients: [{
    client_id: client, ...(secret === "-" ? { token_endpoint_auth_method: "none" } : { client_secret: secret }),
    // RFC 8252: plain text is for loopback.
    application_type: "native", redirect_uris: [line.trim()], response_types: ["code"], grant_types: ["authorization_code"],
  }],
  pkce: { required: () => true },
  cookies: { keys: ["only for this test"] },
  jwks: { keys: [key(pair.privateKey)] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  ttl: { Session: 600, Grant: 600, Interaction: 600, IdToken: 300, AccessToken: 300 },
});
server.off("request", early).on("request", provider.callback());
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
