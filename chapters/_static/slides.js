// Slides: arrows, the space bar, and page keys go from one to the next; Home and End to the first and the last.
(() => {
  const slides = [...document.querySelectorAll(".gb-slide")];
  const now = () => slides.reduce((best, slide, i) =>
    Math.abs(slide.getBoundingClientRect().top) < Math.abs(slides[best].getBoundingClientRect().top) ? i : best, 0);
  const go = (i) => {
    const slide = slides[Math.max(0, Math.min(slides.length - 1, i))];
    slide.scrollIntoView();
    slide.focus({ preventScroll: true });
    history.replaceState(null, "", `#${slide.id}`);
  };
  const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Home") go(0);
    else if (event.key === "End") go(slides.length - 1);
    else if (event.key in steps) go(now() + (event.key === " " && event.shiftKey ? -1 : steps[event.key]));
    else return;
    event.preventDefault();
  });
  // What is higher than the screen gets smaller letters; where those would be too small, it scrolls.
  const fit = () => {
    for (const slide of slides) {
      slide.style.fontSize = "";
      let size = parseFloat(getComputedStyle(slide).fontSize);
      while (slide.offsetHeight > innerHeight && size > 15) slide.style.fontSize = `${--size}px`;
      if (slide.offsetHeight > innerHeight) slide.style.fontSize = "";
    }
    for (const text of document.querySelectorAll("pre")) { // a keyboard reaches what scrolls sideways
      if (text.scrollWidth > text.clientWidth) text.tabIndex = 0;
      else text.removeAttribute("tabindex");
    }
  };
  const formulas = () => (window.MathJax && MathJax.startup && MathJax.startup.promise) || Promise.resolve();
  const begin = () => formulas().then(fit);
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);
  addEventListener("resize", fit);
})();
