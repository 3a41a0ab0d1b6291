"use strict";
for (const chart of document.querySelectorAll("svg[data-chart]")) {
  const data = JSON.parse(chart.dataset.chart);
  const cursor = chart.querySelector(".cursor");
  const readout = chart.parentElement.querySelector(".readout");
  const steps = [...new Set(data.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  let current = steps.length - 1;
  const nearest = (values, wanted) => {
    let best = 0;
    for (let i = 1; i < values.length; i++)
      if (Math.abs(values[i] - wanted) < Math.abs(values[best] - wanted)) best = i;
    return best;
  };
  const show = (index) => {
    current = Math.max(0, Math.min(steps.length - 1, index));
    const step = steps[current];
    const share = (step - data.first) / (data.last - data.first || 1);
    const x = data.left + share * (data.right - data.left);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    cursor.style.visibility = "visible";
    const parts = data.lines.map((line) => line.words + " " + line.y[nearest(line.x, step)].toPrecision(3));
    readout.textContent = "Step " + Math.round(step).toLocaleString("en") + ": " + parts.join(", ");
  };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    const share = (x - data.left) / (data.right - data.left);
    show(nearest(steps, data.first + share * (data.last - data.first)));
  });
  chart.addEventListener("pointerleave", () => { cursor.style.visibility = "hidden"; });
  chart.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    show(current + move);
  });
}
