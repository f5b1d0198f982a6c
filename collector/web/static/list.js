// The list: live rows, the pane beside it, keys, filter bar. Rows come from the server as HTML; this only places them.

import { copyText, fetchFragment, isTyping, localTimes, toast } from "./shell.js";
import { openPane } from "./pane.js";
import { followCalls } from "./live.js";

const list = document.getElementById("list");
const body = document.getElementById("rows");
const filter = document.getElementById("filter");
const liveButton = document.getElementById("live");
const clockOffsetMs = Number(list.dataset.now) - Date.now();
const MOST_BY_ID = 40;
const MOST_IN_PAGE = 600;

const pane = openPane(body);
localTimes(document);

// ---- rows

const rowOf = (id) => document.getElementById(`c-${id}`);
const withParameters = (address, pairs) => address + (address.includes("?") ? "&" : "?") + new URLSearchParams(pairs);

function rowsIn(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  localTimes(made.content);
  return [...made.content.querySelectorAll("tr")];
}

// Newest start first; a row that is there already is replaced where it stands, unless its start changed.
function place(row, { isFresh }) {
  const old = rowOf(row.dataset.id);
  if (old && old.dataset.at === row.dataset.at) {
    const hadFocus = old.contains(document.activeElement);
    row.classList.toggle("chosen", old.classList.contains("chosen"));
    old.replaceWith(row);
    if (hadFocus) row.querySelector("a").focus({ preventScroll: true });
    return;
  }
  old?.remove();
  const at = Number(row.dataset.at);
  const below = [...body.children].find((other) => Number(other.dataset.at) <= at);
  if (!below && list.dataset.cursor) return; // older than what is shown: paging brings it
  if (isFresh && !old) row.classList.add("fresh");
  body.insertBefore(row, below ?? null);
}

function showTable() {
  document.getElementById("empty")?.remove();
  list.querySelector(".nothing")?.remove();
  list.querySelector("table").hidden = false;
}

async function fetchRows(pairs) {
  const answer = await fetchFragment(pairs.length ? withParameters(list.dataset.rows, pairs) : list.dataset.rows);
  return rowsIn(await answer.text());
}

const byId = (ids) => fetchRows(ids.slice(0, MOST_BY_ID).map((id) => ["request_id", id]));

// Few changes are asked for by id. With many, the newest page says most; of the others only those matter that are shown.
async function changedRows(ids) {
  if (ids.length <= MOST_BY_ID) return byId(ids);
  const newest = await fetchRows([]);
  const known = new Set(newest.map((row) => row.dataset.id));
  const others = ids.filter((id) => !known.has(id) && rowOf(id));
  return others.length ? [...newest, ...(await byId(others))] : newest;
}

function placeAll(rows) {
  if (!rows.length) return;
  showTable();
  const isAtTop = list.scrollTop < 4;
  const before = list.scrollHeight;
  for (const row of rows.reverse()) place(row, { isFresh: true });
  tick();
  if (isAtTop) trim();
  else list.scrollTop += list.scrollHeight - before; // what one reads stays where it is
}

async function fetchChanged(ids) {
  placeAll(await changedRows(ids));
  pane.rowsChanged(ids);
}

// A page that is open for days must not grow for days.
function trim() {
  if (body.children.length <= MOST_IN_PAGE) return;
  while (body.children.length > MOST_IN_PAGE / 2) body.lastElementChild.remove();
  list.dataset.cursor = "";
  document.getElementById("older")?.closest("p").remove();
}

function tick() {
  const now = Date.now() + clockOffsetMs;
  for (const cell of body.querySelectorAll("[data-since]")) {
    const elapsedMs = Math.max(0, now - Number(cell.dataset.since));
    if (elapsedMs < 3_600_000) cell.textContent = elapsedMs < 1000 ? `${elapsedMs.toFixed(0)} ms` : `${(elapsedMs / 1000).toFixed(1)} s`;
  }
}

// ---- live

const live = followCalls({
  fetchChanged,
  async fetchNewest() {
    const running = [...body.querySelectorAll('tr[data-status="running"]')].map((row) => row.dataset.id);
    placeAll(await fetchRows([]));
    if (running.length) placeAll(await byId(running));
  },
  onState(state) {
    liveButton.classList.toggle("lost", state === "lost");
    liveButton.setAttribute("aria-pressed", String(state === "paused"));
    liveButton.querySelector(".word").textContent = { live: "Live", paused: "Paused", lost: "Away" }[state];
    liveButton.title = state === "paused" ? "Go on (space)" : "Pause (space)";
  },
  onNews(isBusy) {
    liveButton.classList.toggle("moving", isBusy);
  },
});
liveButton.addEventListener("click", live.toggle);
setInterval(() => live.isPaused() || tick(), 200);
tick();

// ---- older rows

const older = document.getElementById("older");
async function loadOlder() {
  if (!list.dataset.cursor || loadOlder.isBusy) return;
  loadOlder.isBusy = true;
  try {
    const answer = await fetchFragment(withParameters(list.dataset.rows, { cursor: list.dataset.cursor }));
    list.dataset.cursor = answer.headers.get("hookline-next-cursor") ?? "";
    for (const row of rowsIn(await answer.text())) {
      rowOf(row.dataset.id)?.remove();
      body.append(row);
    }
    if (!list.dataset.cursor) older.closest("p").remove();
  } finally {
    loadOlder.isBusy = false;
  }
}
if (older) {
  older.addEventListener("click", (event) => {
    event.preventDefault();
    loadOlder();
  });
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && loadOlder(), { root: list, rootMargin: "300px" }).observe(older);
}

// ---- SQL

async function copySql() {
  const isCopied = await copyText(document.getElementById("sql-text").textContent);
  toast(isCopied ? "Copied" : "The browser does not let this page copy: select the text");
  return isCopied;
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-copy-sql]")) {
    document.getElementById("sql-dialog").showModal();
    copySql();
  }
  if (event.target.closest("[data-copy-again]")) copySql();
  const copied = event.target.closest("[data-copy]");
  if (copied) copyText(document.getElementById(copied.dataset.copy).textContent).then((isCopied) => toast(isCopied ? "Copied" : "Select the text to copy it"));
});

// ---- keys

function step(by) {
  const links = [...body.querySelectorAll("td.c-call a")];
  if (!links.length) return;
  const current = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const chosen = links.findIndex((link) => link.closest("tr").classList.contains("chosen"));
  const from = current >= 0 ? current : chosen;
  const next = from < 0 ? 0 : Math.min(links.length - 1, Math.max(0, from + by));
  links[next].focus({ focusVisible: true });
  links[next].closest("tr").scrollIntoView({ block: "nearest" });
  if (pane.isOpen()) pane.show(links[next].closest("tr").dataset.id);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (isTyping(event)) {
    if (event.key === "Escape") event.target.blur();
    const last = [...document.querySelectorAll(".chip a")].at(-1);
    if (event.key === "Backspace" && event.target === filter && !filter.value && last) last.click();
    return;
  }
  const does = {
    "/": () => filter.focus(),
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => body.contains(document.activeElement) && step(1),
    ArrowUp: () => body.contains(document.activeElement) && step(-1),
    Escape: () => pane.close(),
    " ": () => !event.target.closest("button, a.button, summary, [role=tab]") && (live.toggle(), true),
  }[event.key];
  if (does && does() !== false) event.preventDefault();
});

// ---- empty state

async function sendTestEvent(button) {
  button.disabled = true;
  const id = `test-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  const now = Date.now();
  const base = { requestId: id, provider: "hookline", model: "test-event", clientId: "this page", source: "client" };
  const events = [
    { ...base, type: "text:request:started", timestamp: now - 40, messages: [{ role: "user", content: "Is anybody there?" }] },
    { ...base, type: "text:chunk:content", timestamp: now - 15, messageId: "m1", chunks: [{ offsetMs: 0, delta: "Yes" }, { offsetMs: 10, delta: "!" }] },
    { ...base, type: "text:request:completed", timestamp: now, duration: 40, finishReason: "stop", usage: { promptTokens: 5, completionTokens: 2, totalTokens: 7 } },
  ];
  const resource = { "service.name": "hookline-page", "telemetry.sdk.name": "hookline-page" };
  const answer = await fetch("/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ resource, events }) });
  const told = await answer.json();
  toast(answer.ok ? `Stored: ${told.accepted} events` : told.detail);
  button.disabled = false;
}
document.querySelector("[data-test-event]")?.addEventListener("click", (event) => sendTestEvent(event.currentTarget));

async function refreshDiagnosis() {
  const box = document.getElementById("diagnosis");
  if (!box || document.hidden) return;
  const answer = await fetchFragment("/diagnosis");
  box.innerHTML = await answer.text();
  localTimes(box);
}
if (document.getElementById("diagnosis")) setInterval(() => refreshDiagnosis().catch(() => {}), 2000);
