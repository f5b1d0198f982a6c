// One call: tabs and windows without a new page, copying, playing a stream, keys. By delegation, so that the list's pane,
// whose content comes later, needs nothing more.

import { copyText, fetchFragment, isTyping, localTimes, toast } from "./shell.js";
import { play } from "./call-play.js";

const FOLLOW_MS = 1500;
const whole = document.getElementById("call-whole"); // null in the pane of the list

async function load(call, address, { keepsPlace, pushes }) {
  const asked = new URL(address, location);
  const shown = new URL(asked);
  asked.searchParams.set("fragment", "1");
  call.classList.add("loading");
  let text;
  try {
    text = await (await fetchFragment(asked)).text();
  } catch (error) {
    call.classList.remove("loading");
    toast(`That can't be shown (${error.message}).`);
    return;
  }
  if (!call.isConnected) return;
  const made = document.createElement("template");
  made.innerHTML = text;
  const fresh = made.content.querySelector(".call");
  const scrolled = call.querySelector(".wf")?.scrollTop ?? 0;
  const focus = hint(document.activeElement, call);
  localTimes(made.content);
  call.replaceWith(fresh);
  if (keepsPlace && fresh.querySelector(".wf")) fresh.querySelector(".wf").scrollTop = scrolled;
  if (!keepsPlace) showSelected(fresh);
  refocus(fresh, focus);
  if (whole && pushes) history.pushState(null, "", shown);
}

// What had the focus, so that it has it again: a tab, a step, else the tab's content.
function hint(element, call) {
  if (!call.contains(element)) return null;
  if (element.closest(".tabs")) return ".tabs a[aria-current]";
  if (element.dataset.step) return `[data-step="${element.dataset.step}"]`;
  return element.closest(".waterfall") ? ".wf-row[aria-current]" : ".tab";
}

function refocus(fresh, selector) {
  if (selector) (fresh.querySelector(selector) ?? fresh.querySelector(".tab"))?.focus({ preventScroll: true });
}

function showSelected(root) {
  const list = root.querySelector(".wf");
  const row = list?.querySelector("[aria-current]");
  if (row) list.scrollTop = Math.max(0, row.parentElement.offsetTop - list.offsetTop - list.clientHeight / 3);
  const tab = root.querySelector(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = Math.max(0, tab.offsetLeft - 40);
}

async function more(link) {
  const asked = new URL(link.href);
  asked.searchParams.set("fragment", "1");
  link.setAttribute("aria-busy", "true");
  try {
    const made = document.createElement("template");
    made.innerHTML = await (await fetchFragment(asked)).text();
    localTimes(made.content);
    const into = link.closest(".tab").querySelector("[data-more-into]");
    const rows = made.content.querySelector("[data-more-into]");
    const next = made.content.querySelector("[data-more]")?.closest("p");
    const first = rows?.firstElementChild;
    if (rows) into.append(...rows.children);
    if (next) link.closest("p").replaceWith(next);
    else link.closest("p").remove();
    const target = next?.querySelector("a") ?? first?.querySelector("summary");
    target?.focus({ preventScroll: true });
  } catch (error) {
    link.removeAttribute("aria-busy");
    toast(`That can't be shown (${error.message}).`);
  }
}

async function copy(text) {
  toast((await copyText(text)) ? "Copied" : "The browser does not let this page copy");
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-copy-from], [data-more], [data-call-link], [data-play]");
  const call = target?.closest(".call");
  if (!call) return;
  if (target.dataset.copy !== undefined) return void copy(target.dataset.copy);
  if (target.dataset.copyFrom !== undefined) return void copy(document.getElementById(target.dataset.copyFrom).textContent);
  if (target.dataset.play !== undefined) return void play(call.querySelector("[data-player]"), call.dataset.address);
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (target.dataset.more !== undefined) return void more(target);
  load(call, target.href, { keepsPlace: target.dataset.keep !== undefined, pushes: true });
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
  const call = document.querySelector(".call");
  if (!call) return;
  if (event.key === "[" || event.key === "]") {
    const link = call.querySelector(`[data-step="${event.key === "]" ? 1 : -1}"]`);
    if (link) load(call, link.href, { keepsPlace: false, pushes: true });
  }
  if (event.key === " " && whole && call.querySelector("[data-play]") && event.target === document.body) {
    event.preventDefault();
    play(call.querySelector("[data-player]"), call.dataset.address);
  }
  if (event.key === "Escape" && whole) {
    if (history.length > 1 && document.referrer.startsWith(location.origin)) history.back();
    else location.assign("/");
  }
});

// A call that runs is looked at again and again, unless somebody has unfolded or is playing something.
async function follow() {
  const call = whole.querySelector(".call");
  if (!call || call.dataset.status !== "running") return;
  const isBusy = document.hidden || call.dataset.tab !== "conversation" || call.querySelector(".block[open]:not(.tool), .ids[open]") || String(getSelection());
  if (!isBusy) await load(call, location.href, { keepsPlace: true, pushes: false });
  setTimeout(follow, FOLLOW_MS);
}

document.addEventListener("hookline:fragment", (event) => showSelected(event.detail.root));
if (whole) {
  showSelected(whole);
  setTimeout(follow, FOLLOW_MS);
  addEventListener("popstate", () => {
    const call = whole.querySelector(".call");
    if (call) load(call, location.href, { keepsPlace: true, pushes: false });
  });
}
