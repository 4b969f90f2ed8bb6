// Sets the theme before the first paint. An external file, because the content
// security policy forbids inline scripts. src/lib/theme.ts is its other half.
(() => {
  let choice = "system";
  try {
    choice = localStorage.getItem("billhook.theme") || "system";
  } catch {
    // Storage may be blocked; the system's choice still holds.
  }
  const dark =
    choice === "dark" ||
    (choice === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
