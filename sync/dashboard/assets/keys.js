// Keys, the pause button and the theme for those who have a keyboard. Every
// page works without this file.
(() => {
  const at = (selector) => document.querySelector(selector);
  const help = at("#help");
  const pause = at("#pause");
  let paused = false;
  let going = false;

  function setPaused(value) {
    paused = value;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
  }

  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => setPaused(!paused));
    document.addEventListener("htmx:sse:before:message", (e) => { if (paused) e.preventDefault(); });
  }
  at("#help-open").hidden = false;
  at("#help-open").addEventListener("click", () => help.showModal());

  function row(step) {
    const rows = [...document.querySelectorAll("tbody tr, .letter")].filter((r) => r.querySelector("a, button, summary"));
    if (rows.length === 0) return;
    const now = rows.findIndex((r) => r.contains(document.activeElement));
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    next.querySelector("a, button, summary").focus();
  }

  const keys = {
    "/": () => at("[data-search]")?.focus(),
    "?": () => help.showModal(),
    j: () => row(1),
    k: () => row(-1),
    p: () => pause && setPaused(!paused),
    t: () => at("#theme").click(),
  };

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || help.open || e.target.closest("input, textarea, select")) return;
    if (going) {
      going = false;
      at(`nav a[data-key="${CSS.escape(e.key)}"]`)?.click();
      return;
    }
    if (e.key === "g") {
      going = true;
      setTimeout(() => { going = false; }, 1500);
      return;
    }
    if (keys[e.key]) {
      e.preventDefault();
      keys[e.key]();
    }
  });
})();
