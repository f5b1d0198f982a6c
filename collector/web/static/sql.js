// The SQL view: run a statement, show its rows, say where it is wrong, keep a history. The statement is in the address.

import { copyText, toast } from "./shell.js";
import { drawChart } from "./sql-chart.js";
import { createTable } from "./sql-table.js";

const HISTORY_KEY = "hookline-sql-history";
const HISTORY_MOST = 40;
const MOST_IN_ADDRESS = 6000;

const root = document.getElementById("sql");
if (root) start();

function start() {
  const part = (id) => document.getElementById(id);
  const editor = part("editor");
  const text = part("statement");
  const table = createTable(part("result"), part("more"));
  let asked = 0;
  let stop = null;

  // ---- running

  async function send(accept, signal) {
    const limit = Number(part("limit").value);
    const answer = await fetch("/v1/sql", {
      method: "POST",
      headers: { "content-type": "application/json", accept },
      body: JSON.stringify({ sql: text.value, limit }),
      signal,
    });
    if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    if (!answer.ok) throw await answer.json().catch(() => ({ detail: `The collector answered ${answer.status}.` }));
    return answer;
  }

  async function run() {
    const turn = ++asked;
    stop?.abort();
    stop = new AbortController();
    const begin = performance.now();
    remember();
    busy(true);
    try {
      const answer = await (await send("application/json", stop.signal)).json();
      if (turn !== asked) return;
      show(answer, performance.now() - begin);
    } catch (problem) {
      if (turn !== asked || problem.name === "AbortError") return;
      explain(problem);
    } finally {
      if (turn === asked) busy(false);
    }
  }

  function busy(isBusy) {
    part("run").textContent = isBusy ? "Running …" : "Run";
    part("result").setAttribute("aria-busy", String(isBusy));
    if (isBusy) part("about").textContent = "";
  }

  function show(answer, elapsedMs) {
    part("problem").hidden = true;
    part("about").textContent = about(answer, elapsedMs);
    part("csv").disabled = false;
    drawChart(part("chart"), answer);
    table.show(answer);
  }

  function about({ columns, rows, truncated }, elapsedMs) {
    const counted = `${rows.length.toLocaleString("en")} ${rows.length === 1 ? "row" : "rows"}, ${columns.length} ${columns.length === 1 ? "column" : "columns"}`;
    return `${counted}, ${elapsedMs.toFixed(0)} ms${truncated ? ". There are more: raise the limit, or narrow the statement" : ""}`;
  }

  function explain(problem) {
    const box = part("problem");
    box.replaceChildren(problem.detail ?? problem.message ?? "It failed.");
    if (problem.position) box.append(place(problem.position));
    box.hidden = false;
    part("result").hidden = true;
    part("chart").hidden = true;
    part("more").hidden = true;
    part("csv").disabled = true;
  }

  // The line with the mistake, and a mark in it. Positions count characters, JavaScript counts UTF-16 units.
  function place(position) {
    const letters = [...text.value];
    const at = letters.slice(0, position - 1).join("").length;
    const lineStart = text.value.lastIndexOf("\n", at - 1) + 1;
    const lineEnd = text.value.indexOf("\n", at);
    const line = text.value.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
    const number = text.value.slice(0, at).split("\n").length;
    const column = at - lineStart;
    const word = /^[\w$]+|^[^\s]/.exec(line.slice(column))?.[0] ?? " ";
    const shown = document.createElement("pre");
    const marked = Object.assign(document.createElement("mark"), { textContent: word });
    shown.append(`line ${number}, column ${column + 1}\n${line.slice(0, column)}`, marked, line.slice(column + word.length));
    text.focus();
    text.setSelectionRange(at, at + word.length);
    return shown;
  }

  // ---- the address and the history

  function remember() {
    const address = new URL(location);
    address.search = "";
    if (text.value.length <= MOST_IN_ADDRESS) address.searchParams.set("q", text.value);
    window.history.replaceState(null, "", address);
    const kept = [text.value, ...past().filter((one) => one !== text.value)].slice(0, HISTORY_MOST);
    try {
      localStorage.setItem(HISTORY_KEY, JSON.stringify(kept));
    } catch {
      // It lasts as long as the page.
    }
    listHistory();
  }

  function past() {
    try {
      const kept = JSON.parse(localStorage.getItem(HISTORY_KEY) ?? "[]");
      return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
    } catch {
      return [];
    }
  }

  function listHistory() {
    const rows = past().map((sql) => {
      const row = document.createElement("li");
      const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: sql.replace(/\s+/g, " ").slice(0, 120), title: sql });
      button.dataset.sql = sql;
      row.append(button);
      return row;
    });
    if (rows.length) part("history").replaceChildren(...rows);
  }

  // ---- the editor

  function put(sql) {
    text.focus();
    text.select();
    insert(sql);
  }

  // Through the browser's own command, so that undo works.
  function insert(piece) {
    if (!document.execCommand("insertText", false, piece)) text.setRangeText(piece, text.selectionStart, text.selectionEnd, "end");
  }

  async function download() {
    try {
      const blob = await (await send("text/csv")).blob();
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: "hookline.csv" });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (problem) {
      explain(problem);
    }
  }

  editor.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    for (const menu of root.querySelectorAll(".menu[open]")) {
      if (button || !menu.contains(event.target)) menu.open = false;
    }
    if (!button) return;
    if (button.dataset.sql !== undefined) {
      put(button.dataset.sql);
      run();
    } else if (button.dataset.look !== undefined) {
      put(`SELECT *\nFROM ${button.dataset.look}\nLIMIT 50;`);
      run();
    } else if (button.dataset.insert !== undefined) {
      text.focus();
      insert(button.dataset.insert);
    }
  });
  root.addEventListener("keydown", (event) => {
    const menu = event.target.closest(".menu[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  part("csv").addEventListener("click", download);
  part("share").addEventListener("click", async () => {
    remember();
    toast((await copyText(location.href)) ? "Copied: the address runs this statement" : "The address above runs this statement");
  });

  listHistory();
  if (matchMedia("(max-width: 760px)").matches) root.querySelector(".tables-all").open = false;
  if (root.dataset.runs) run();
  else text.focus();
}
