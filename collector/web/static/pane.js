// The pane beside the list: one call, kept in the address as `?call=`. On a narrow screen a call is a page of its own.

import { fetchFragment } from "./shell.js";

export function openPane(body) {
  const side = document.getElementById("side");
  const inner = document.getElementById("pane");
  const whole = document.getElementById("pane-whole");
  const isWide = matchMedia("(min-width: 901px)");
  let shown = null;
  let asked = 0;

  const detail = (id) => `/calls/${id.split("/").map(encodeURIComponent).join("/")}`;

  function asFragment(address) {
    const part = new URL(address, location);
    part.searchParams.set("fragment", "1");
    return part;
  }

  function mark(id) {
    for (const row of body.querySelectorAll("tr.chosen")) row.classList.remove("chosen");
    const row = id === null ? null : document.getElementById(`c-${id}`);
    row?.classList.add("chosen");
    row?.scrollIntoView({ block: "nearest" });
  }

  function remember(id) {
    const address = new URL(location);
    if (id === null) address.searchParams.delete("call");
    else address.searchParams.set("call", id);
    history.replaceState(null, "", address);
  }

  // What the pane needs comes with its first call: the list's first paint does not wait for it.
  let ready = null;
  function prepare() {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: side.dataset.style });
    const isStyled = new Promise((resolve) => {
      style.onload = style.onerror = resolve;
    });
    document.head.append(style);
    return Promise.all([import(side.dataset.script), isStyled]);
  }

  async function load(id, address = detail(id)) {
    const turn = ++asked;
    inner.classList.add("loading");
    try {
      ready ??= prepare();
      const [answer] = await Promise.all([fetchFragment(asFragment(address)), ready]);
      const text = await answer.text();
      if (turn !== asked) return; // another one was opened meanwhile
      inner.innerHTML = text;
      document.dispatchEvent(new CustomEvent("hookline:fragment", { detail: { root: inner } }));
    } catch (error) {
      if (turn === asked) inner.replaceChildren(Object.assign(document.createElement("p"), { className: "nothing", textContent: `This call can't be shown (${error.message}).` }));
    } finally {
      if (turn === asked) inner.classList.remove("loading");
    }
  }

  function show(id) {
    if (!isWide.matches) return location.assign(detail(id));
    if (id === shown) return;
    shown = id;
    side.hidden = false;
    whole.href = detail(id);
    inner.scrollTop = 0;
    mark(id);
    remember(id);
    return load(id);
  }

  function close() {
    if (shown === null) return false;
    const row = document.getElementById(`c-${shown}`);
    shown = null;
    asked += 1;
    side.hidden = true;
    inner.replaceChildren();
    mark(null);
    remember(null);
    row?.querySelector("a").focus({ preventScroll: true });
    return true;
  }

  body.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button || String(getSelection())) return;
    const row = event.target.closest("tr");
    if (!row) return;
    event.preventDefault();
    show(row.dataset.id);
  });
  document.getElementById("pane-close").addEventListener("click", close);

  const asks = new URL(location).searchParams.get("call");
  if (asks && isWide.matches) show(asks);

  return {
    show,
    close,
    isOpen: () => shown !== null,
    // The open call went on: show its newest state, unless somebody is reading further down.
    rowsChanged(ids) {
      if (shown === null || !ids.includes(shown) || inner.scrollTop >= 40) return;
      load(shown, inner.querySelector(".tabs a[aria-current]")?.href);
    },
  };
}
