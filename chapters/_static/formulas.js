// A formula that is wider than its column or its slide, as on a phone, is set smaller; beyond this share it scrolls.
const SMALLEST = 0.45;

function fit(formula) {
  const size = (formula.dataset.size ??= parseFloat(formula.style.fontSize) || 100);
  for (let share = 1; share >= SMALLEST; share -= 0.05) {
    formula.style.fontSize = `${size * share}%`;
    if (formula.scrollWidth <= formula.clientWidth) break;
  }
}

addEventListener("load", () => {
  const fitAll = (place) => place.querySelectorAll('mjx-container[display="true"]').forEach(fit);
  const resized = new ResizeObserver((places) => places.forEach(({ target }) => fitAll(target)));
  document.fonts.addEventListener("loadingdone", () => fitAll(document)); // the letters of a late font may be wider
  window.MathJax?.startup?.promise.then(() =>
    document.querySelectorAll("div.math").forEach((place) => resized.observe(place)),
  );
});
