// Small repairs for keyboard and screen reader that the theme leaves to do.
(function () {
  "use strict";

  // The search button's name ("Search") lacks the words that it shows ("Search Ctrl+K").
  for (const button of document.querySelectorAll(".search-button-field")) {
    button.removeAttribute("aria-label");
  }

  // The book's title stands in the sidebar, outside every landmark.
  const sidebar = document.getElementById("pst-primary-sidebar");
  if (sidebar) {
    sidebar.setAttribute("role", "complementary");
    sidebar.setAttribute("aria-label", "Book");
  }

  // Hidden code is opened by "Show code cell source", but calls itself otherwise.
  for (const summary of document.querySelectorAll("details.hide > summary")) {
    summary.removeAttribute("aria-label");
  }

  // Parameters of a signature are marked up as definitions without terms.
  for (const list of document.querySelectorAll("dt.sig dl")) {
    const lines = document.createElement("div");
    lines.className = "sig-lines";
    for (const item of [...list.children]) {
      const line = document.createElement("div");
      line.append(...item.childNodes);
      lines.append(line);
    }
    list.replaceWith(lines);
  }

  // The role that docutils gives to the entries of a bibliography is deprecated.
  for (const entry of document.querySelectorAll(".citation-list > .citation")) {
    entry.setAttribute("role", "listitem");
  }

  // What scrolls sideways must take the focus, or only a mouse can scroll it.
  const WIDE = "div.math, .cell_output .output, .pst-scrollable-table-container";
  function reachable(element, label) {
    const scrolls = element.scrollWidth > element.clientWidth + 1;
    if (scrolls && !element.hasAttribute("tabindex")) {
      element.tabIndex = 0;
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", label);
      element.dataset.reachable = "";
    } else if (!scrolls && "reachable" in element.dataset) {
      for (const name of ["tabindex", "role", "aria-label", "data-reachable"]) {
        element.removeAttribute(name);
      }
    }
  }
  function allReachable() {
    for (const element of document.querySelectorAll(WIDE)) {
      const maths = element.matches("div.math");
      reachable(element, maths ? "Formula, scrolls sideways" : "Scrolls sideways");
    }
  }
  function afterMaths() {
    const startup = window.MathJax && window.MathJax.startup;
    if (startup && startup.promise) startup.promise.then(allReachable);
  }
  window.addEventListener("load", () => {
    allReachable();
    afterMaths();
  });
  window.addEventListener("resize", allReachable);
})();

// Search shows a few words around each hit, which it fetches from the page. A page read
// from disk may not fetch another, so there the hits are shown by their titles.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
