"use strict";
(() => {
  const FAIL = 4, HEIGHT = 260;
  const data = JSON.parse(document.getElementById("data").textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const flagColor = (flag) => color(flag === FAIL ? "fail" : "suspect");
  const sync = uPlot.sync("time");
  const plots = [];

  // A line across a gap would show data where there is none, so it breaks where a step is far longer than most.
  const broken = (x, y) => {
    const steps = x.slice(1).map((at, index) => at - x[index]).filter((step) => step > 0).sort((a, b) => a - b);
    const longest = 20 * (steps[Math.floor(steps.length / 2)] || Infinity);
    const xs = [], ys = [], places = [];
    x.forEach((at, index) => {
      if (index && at - x[index - 1] > longest) { xs.push((at + x[index - 1]) / 2); ys.push(null); }
      places.push(xs.length);
      xs.push(at);
      ys.push(y[index]);
    });
    return [xs, ys, places];
  };

  const shade = (plot, picture) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [start, end, , test] of picture.spans) {
      const left = plot.valToPos(start * picture.scale, "x", true), right = plot.valToPos(end * picture.scale, "x", true);
      ctx.fillStyle = color(test === "time_gap_test" ? "gap" : "flat");
      ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    }
    ctx.setLineDash([6, 4]);
    ctx.lineWidth = 1.5;
    for (const [value, flag] of picture.limits) {
      const at = plot.valToPos(value, "y", true);
      ctx.strokeStyle = flagColor(flag);
      ctx.beginPath();
      ctx.moveTo(bbox.left, at);
      ctx.lineTo(bbox.left + bbox.width, at);
      ctx.stroke();
    }
    ctx.restore();
  };

  // Flagged points without a number stand at the lower edge.
  const rug = (plot, picture, places, xs, ys) => {
    const { ctx, bbox } = plot;
    for (const [index, flag] of picture.flags) {
      const place = places[index];
      if (ys[place] !== null) continue;
      const at = plot.valToPos(xs[place], "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.fillStyle = flagColor(flag);
      ctx.fillRect(at - 1, bbox.top + bbox.height - 10, 3, 10);
    }
  };

  const range = (picture, least, most) => {
    // The limits belong in the picture unless they would squeeze the series into a line.
    const span = most - least || Math.abs(most) || 1;
    let low = least, high = most;
    for (const [value] of picture.limits) {
      if (value > most - 3 * span && value < least + 3 * span) { low = Math.min(low, value); high = Math.max(high, value); }
    }
    const room = 0.06 * (high - low || 1);
    return [low - room, high + room];
  };

  const draw = (element, picture) => {
    picture.scale = picture.time ? 0.001 : 1;
    const [xs, ys, places] = broken(picture.x.map((at) => at * picture.scale), picture.y);
    const of = (flag) => {
      const marks = new Array(xs.length).fill(null);
      for (const [index, its] of picture.flags) if (its === flag) marks[places[index]] = ys[places[index]];
      return marks;
    };
    const axis = () => ({ stroke: color("soft"), grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line") } });
    const mark = (label, name, size) => ({
      label, stroke: color(name), paths: () => null,
      points: { show: true, size, fill: color(name), stroke: color(name), width: 0, filter: null },
    });
    const numbers = ys.filter((value) => value !== null);
    const least = Math.min(...numbers), most = Math.max(...numbers);
    return new uPlot({
      width: element.clientWidth, height: HEIGHT, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      cursor: { sync: { key: sync.key }, drag: { x: true, y: false } },
      scales: { x: { time: picture.time }, y: { range: (_, low, high) => range(picture, low ?? least, high ?? most) } },
      axes: [axis(), { ...axis(), size: 64 }],
      series: [
        { label: picture.time ? "time (UTC)" : "row" },
        {
          label: picture.field, stroke: color("series"), width: 1.25, paths: picture.lines ? undefined : () => null,
          points: picture.lines ? { show: xs.length < 200, size: 4, fill: color("series") } : { show: true, size: 3, fill: color("series"), filter: null },
          spanGaps: false,
        },
        mark("SUSPECT", "suspect", 6),
        mark("FAIL", "fail", 6),
      ],
      hooks: {
        drawClear: [(plot) => shade(plot, picture)],
        draw: [(plot) => rug(plot, picture, places, xs, ys)],
      },
    }, [xs, ys, of(3), of(FAIL)], element);
  };

  const all = () => {
    for (const plot of plots.splice(0)) plot.destroy();
    for (const element of document.querySelectorAll("[data-picture]")) {
      plots.push(draw(element, data.pictures[Number(element.dataset.picture)]));
    }
  };
  all();
  let width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; all(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);

  // A spreadsheet takes a cell that starts with one of these for a formula, unless an apostrophe precedes it.
  const cell = (value) => {
    const text = value === null ? "" : String(value);
    const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^[-+]?[\d.]+([eE][-+]?\d+)?$/.test(text) ? "'" + text : text;
    return /[",\r\n]/.test(harmless) ? '"' + harmless.replaceAll('"', '""') + '"' : harmless;
  };
  document.getElementById("download")?.addEventListener("click", () => {
    const lines = [["process", "field", "test", "row", "line", "time", "value", "reason"], ...data.rows];
    const blob = new Blob([lines.map((line) => line.map(cell).join(",") + "\r\n").join("")], { type: "text/csv" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "offending_rows.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
})();
