// A collector for tests of the client: keeps what it gets, and answers as it is told.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

/** Where whoever runs the tests wants to have every event that a hook sent, a line each. */
const { HOOKLINE_TEST_EVENTS: written } = process.env;

/** `replying`: what it answers to a POST where it was not told. */
export async function startCollector(replying = () => ({})) {
  const posts = [];
  const [posted, postedAgain] = [0, 1].map(() => {
    let tell;
    return Object.assign(new Promise((resolve) => (tell = resolve)), { tell });
  });
  const answers = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const raw = Buffer.concat(parts);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString();
      const sent = JSON.parse(text);
      const { status = 200, headers = {}, body = '{"accepted":1,"duplicates":0,"rejected":[]}', isSilent, isCut } = answers.shift() ?? replying(sent);
      const post = { headers: request.headers, path: request.url, status, ...sent };
      posts.push(post);
      if (written) appendFileSync(written, post.events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      (posts.length === 1 ? posted : postedAgain).tell();
      if (isSilent) return;
      if (isCut) return void request.socket.destroy();
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
    /** The second one, too. */
    postedAgain,
    events: () => posts.filter((post) => post.status === 200).flatMap((post) => post.events),
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
