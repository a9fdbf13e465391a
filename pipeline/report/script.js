"use strict";
// SVG downloads are taken from the drawing on the page, so that no figure is stored twice.
for (const button of document.querySelectorAll("button[data-figure]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const name = button.dataset.figure;
    const drawing = document.querySelector(`#figure-${name} .drawing svg`).cloneNode(true);
    drawing.removeAttribute("aria-hidden");
    drawing.removeAttribute("focusable");
    const size = drawing.viewBox.baseVal;
    drawing.setAttribute("width", `${size.width}pt`);
    drawing.setAttribute("height", `${size.height}pt`);
    const text = new XMLSerializer().serializeToString(drawing);
    const link = document.createElement("a");
    link.href = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
    link.download = `${name}.svg`;
    link.click();
  });
}
