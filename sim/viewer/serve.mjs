// The built viewer on a free port of loopback, as a web server of a hospital would give it out. It ends with its standard input.
//
// Usage: node serve.mjs DIST APP_CONFIG
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const [dist, appConfig] = process.argv.slice(2);
const KINDS = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

function file(path) {
  if (path === "/app-config.js") return appConfig;
  const found = join(dist, normalize(path));
  // Every other path is one of the viewer's own pages, which its program tells apart.
  return statSync(found, { throwIfNoEntry: false })?.isFile() ? found : join(dist, "index.html");
}

const server = createServer((request, response) => {
  const found = file(decodeURIComponent(new URL(request.url, "http://viewer").pathname));
  response.writeHead(200, {
    "content-type": KINDS[extname(found)] ?? "application/octet-stream",
    "cache-control": "no-store",
    // Both together give the viewer's workers shared memory (HTML, "cross-origin isolation").
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  createReadStream(found).pipe(response);
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
