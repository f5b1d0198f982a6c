// Before the first paint: the colours that were chosen here, if any. A classic script, so that nothing flashes.
(() => {
  try {
    const chosen = localStorage.getItem("hookline-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // No storage: the system's colours.
  }
})();
