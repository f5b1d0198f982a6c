// Follow which calls change, by server-sent events; their rows are fetched together, not one by one.

const GATHER_MS = 250;
// A browser opens six connections to a site; tabs that nobody looks at must not keep them.
const HIDDEN_MS = 10_000;

export function followCalls({ fetchChanged, fetchNewest, onState, onNews }) {
  const changed = new Set();
  let timer = 0;
  let isPaused = false;
  let isFetching = false;
  let source = null;
  let quiet = 0;

  async function flush() {
    timer = 0;
    if (isPaused || isFetching || !changed.size || document.hidden) return;
    const ids = [...changed];
    changed.clear();
    isFetching = true;
    try {
      await fetchChanged(ids);
    } catch {
      for (const id of ids) changed.add(id);
      timer ||= setTimeout(flush, 2000);
    } finally {
      isFetching = false;
      if (changed.size) timer ||= setTimeout(flush, GATHER_MS);
    }
  }

  function note(message) {
    changed.add(JSON.parse(message.data).request_id);
    timer ||= setTimeout(flush, GATHER_MS);
    onNews(true);
    clearTimeout(quiet);
    quiet = setTimeout(() => onNews(false), 2500);
  }

  function connect() {
    source = new EventSource("/v1/live?only=calls");
    source.addEventListener("call", note);
    source.addEventListener("open", () => onState(isPaused ? "paused" : "live"));
    source.addEventListener("error", () => {
      onState(isPaused ? "paused" : "lost");
      // The browser gives up for good where it was refused; a collector that restarts refuses for a moment.
      if (source?.readyState === EventSource.CLOSED) setTimeout(() => source?.readyState === EventSource.CLOSED && connect(), 3000);
    });
  }

  let leaving = 0;
  function comeAndGo() {
    clearTimeout(leaving);
    if (document.hidden) {
      leaving = setTimeout(() => {
        source.close();
        source = null;
      }, HIDDEN_MS);
    } else if (source) {
      flush();
    } else {
      connect();
      if (!isPaused) fetchNewest().catch(() => {});
    }
  }

  connect();
  document.addEventListener("visibilitychange", comeAndGo);
  return {
    isPaused: () => isPaused,
    toggle() {
      isPaused = !isPaused;
      onState(isPaused ? "paused" : source?.readyState === EventSource.OPEN ? "live" : "lost");
      flush();
    },
  };
}
