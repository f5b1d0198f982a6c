// A collector for tests of the client: keeps what it gets, and answers as it is told.
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

export async function startCollector() {
  const posts = [];
  let tellPosted;
  const posted = new Promise((resolve) => (tellPosted = resolve));
  const answers = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const raw = Buffer.concat(parts);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString();
      const { status = 200, headers = {}, body = '{"accepted":1,"duplicates":0,"rejected":[]}', isSilent } = answers.shift() ?? {};
      posts.push({ headers: request.headers, path: request.url, status, ...JSON.parse(text) });
      tellPosted();
      if (isSilent) return;
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    posts,
    answers,
    /** The first POST is here. */
    posted,
    events: () => posts.filter((post) => post.status === 200).flatMap((post) => post.events),
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
