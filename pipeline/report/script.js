"use strict";
// SVG and MP4 downloads are taken from what the page shows, so that nothing is stored twice.
function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
for (const button of document.querySelectorAll("button[data-movie]")) {
  button.hidden = false;
  const name = button.dataset.movie;
  button.addEventListener("click", () => save(document.querySelector(`#figure-${name} video`).src, `${name}.mp4`));
}
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
    save("data:image/svg+xml;charset=utf-8," + encodeURIComponent(text), `${name}.svg`);
  });
}
// What is wider than the window can be scrolled with the keyboard, too.
function mark() {
  for (const part of document.querySelectorAll(".drawing, .scroll")) {
    const wider = part.scrollWidth > part.clientWidth + 2;
    part.classList.toggle("cut", wider);
    if (wider) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}
mark();
addEventListener("resize", mark);
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  const code = button.parentElement.querySelector("code");
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(code);
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  });
}
