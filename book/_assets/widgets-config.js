// Settings and small repairs for the widgets of a built page.  Loaded after require.js and
// before embed-amd.js, on pages with widgets only.
(function () {
  "use strict";

  // Bare module names (anywidget, the fonts of html-manager) resolve beside this file, at any
  // page depth and on file://.
  window.requirejs.config({
    baseUrl: document.currentScript.src.replace(/[^/]*$/, ""),
  });

  // The widgets' labels still call the MathJax 2 interface (ipywidgets#3829).
  function mathJax2Queue(job) {
    const element = job[2];
    const mathJax = window.MathJax;
    if (!element || !mathJax.startup) return;
    element.classList.add("mathjax_process");
    mathJax.startup.promise.then(() => mathJax.typesetPromise([element]));
  }
  function keepMathJax2Interface() {
    const mathJax = window.MathJax;
    if (mathJax && !mathJax.Hub) mathJax.Hub = { Queue: mathJax2Queue };
  }

  // noUiSlider gives its handles the role "slider" and no name (noUiSlider#1019).
  function nameSliders() {
    const unnamed = ".noUi-handle:not([aria-label])";
    for (const handle of document.querySelectorAll(unnamed)) {
      const box = handle.closest(".jupyter-widgets");
      const label = box && box.querySelector(".widget-label");
      if (label) handle.setAttribute("aria-label", label.textContent || "value");
    }
  }

  keepMathJax2Interface();
  window.addEventListener("load", () => {
    keepMathJax2Interface();
    nameSliders();
    new MutationObserver(nameSliders).observe(document.body, {
      childList: true,
      subtree: true,
    });
  });
})();
