// What every page has: colours, help, local times, the top strip, and small helpers for other modules.

const THEMES = ["", "light", "dark"];

export const isTyping = (event) => event.target.closest?.("input, textarea, select, [contenteditable]") !== null;

export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.classList.add("on");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => box.classList.remove("on"), 2500);
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not a secure context, or not allowed
  }
}

// A part of a page. A session that ended leads to the login.
export async function fetchFragment(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { "HX-Fragment": "1", ...options.headers } });
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

// The server writes UTC; people read their own time.
export function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    time.removeAttribute("data-local");
    if (Number.isNaN(at.getTime())) continue;
    const two = (n) => String(n).padStart(2, "0");
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
    const isToday = at.toDateString() === new Date().toDateString();
    time.textContent = isToday ? clock : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock.slice(0, 8)}`;
    time.title = `${at.toLocaleString()} (${time.dateTime})`;
  }
}

function applyTheme(theme) {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-label", `Colours: ${theme || "as the system has them"}`);
  }
  try {
    if (theme) localStorage.setItem("hookline-theme", theme);
    else localStorage.removeItem("hookline-theme");
  } catch {
    // It lasts as long as the page.
  }
}

async function refreshStrip() {
  if (document.hidden) return;
  try {
    const answer = await fetchFragment("/strip");
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    document.getElementById("strip")?.replaceWith(made.content);
    document.body.classList.remove("away");
  } catch {
    document.body.classList.add("away");
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) {
    const now = document.documentElement.dataset.theme ?? "";
    applyTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
  }
  if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
  if (event.target instanceof HTMLDialogElement) event.target.close(); // a click beside it
});

document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !isTyping(event) && !event.ctrlKey && !event.metaKey) document.getElementById("help").showModal();
});

document.addEventListener("hookline:fragment", (event) => localTimes(event.detail.root));
localTimes(document);
if (document.getElementById("strip")) setInterval(refreshStrip, 2000);
