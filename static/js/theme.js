// Loaded in the head and not deferred, so that the theme stands before the first paint.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is blocked: follow the system
    }
  }

  function store(theme) {
    try {
      if (theme) localStorage.setItem("theme", theme);
      else localStorage.removeItem("theme");
    } catch {
      // the choice holds for this page alone
    }
  }

  function show(dark) {
    root.classList.toggle("dark", dark);
    document.dispatchEvent(new Event("theme:change"));
  }

  function showStored() {
    const theme = stored();
    show(theme ? theme === "dark" : system.matches);
  }

  root.classList.add("js");
  showStored();
  system.addEventListener("change", showStored);
  addEventListener("storage", showStored);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const dark = !root.classList.contains("dark");
    store(dark === system.matches ? null : dark ? "dark" : "light");
    show(dark);
  });
})();
