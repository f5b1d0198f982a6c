// Play a stream: its text appears with the timing that it had. Pieces come in windows; the next is fetched before it is needed.

const AHEAD = 100; // pieces left when the next window is asked for
const playing = new WeakMap(); // player element -> state

export function play(player, address) {
  const state = playing.get(player);
  if (state && !state.isOver) return state.isPaused ? resume(state) : pause(state);
  return begin(player, address);
}

function begin(player, address) {
  const stage = player.querySelector("[data-stage]");
  const state = {
    player, address, stage, button: player.querySelector("[data-play]"), clock: player.querySelector("[data-play-at]"),
    pieces: [], next: "-", at: 0, streamMs: 0, lastFrame: 0, firstMs: null, isPaused: true, isOver: false, isLoading: false,
  };
  playing.set(player, state);
  stage.replaceChildren();
  stage.hidden = false;
  resume(state);
  return fetchMore(state);
}

function pause(state) {
  state.isPaused = true;
  label(state, "▶ Go on");
}

function resume(state) {
  state.isPaused = false;
  state.lastFrame = performance.now();
  label(state, "Pause");
  requestAnimationFrame((now) => frame(state, now));
}

function label(state, text) {
  state.button.textContent = text;
  state.button.setAttribute("aria-pressed", String(!state.isPaused));
}

async function fetchMore(state) {
  if (state.next === null || state.isLoading) return;
  state.isLoading = true;
  try {
    const asked = new URL(state.address, location);
    asked.searchParams.set("play", state.next);
    const answer = await fetch(asked, { headers: { "HX-Fragment": "1" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const got = await answer.json();
    state.pieces = state.pieces.slice(state.at).concat(got.pieces);
    state.at = 0;
    state.next = got.next;
    state.firstMs ??= state.pieces[0]?.[0] ?? 0;
  } catch {
    state.next = null;
    state.stage.append("\n(the rest could not be fetched)");
  } finally {
    state.isLoading = false;
  }
}

function frame(state, now) {
  if (state.isPaused || !state.player.isConnected) return;
  const speed = Number(state.player.querySelector("[data-speed]").value);
  // While a window is under way, the stream's time stands still.
  const isStarved = state.isLoading && state.at >= state.pieces.length;
  if (!isStarved) state.streamMs += (now - state.lastFrame) * speed;
  state.lastFrame = now;
  showDue(state);
  state.clock.textContent = `${(state.streamMs / 1000).toFixed(1)} s`;
  if (state.pieces.length - state.at < AHEAD) fetchMore(state);
  if (state.at >= state.pieces.length && state.next === null && !state.isLoading) return end(state);
  requestAnimationFrame((later) => frame(state, later));
}

function showDue(state) {
  const isAtEnd = state.stage.scrollHeight - state.stage.scrollTop - state.stage.clientHeight < 30;
  let box = state.stage.lastElementChild;
  while (state.at < state.pieces.length) {
    const [atMs, kind, text] = state.pieces[state.at];
    if (atMs - state.firstMs > state.streamMs) break;
    if (box?.className !== kind) {
      box = Object.assign(document.createElement("span"), { className: kind });
      state.stage.append(box);
    }
    box.append(text);
    state.at += 1;
  }
  if (isAtEnd) state.stage.scrollTop = state.stage.scrollHeight;
}

function end(state) {
  state.isOver = true;
  state.isPaused = true;
  label(state, "▶ Play again");
}
