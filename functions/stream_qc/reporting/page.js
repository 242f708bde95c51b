"use strict";
(() => {
  const FAIL = 4, HEIGHT = 260;
  const data = JSON.parse(document.getElementById("data").textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const flagColor = (flag) => color(flag === FAIL ? "fail" : "suspect");
  const sync = uPlot.sync("time");
  const plots = [];

  // A line across a gap would show data where there is none, so it breaks where a step is far longer than those beside it.
  const broken = (x, y) => {
    const step = (index) => (index > 0 && index < x.length ? x[index] - x[index - 1] : 0);
    const xs = [], ys = [], places = [];
    x.forEach((at, index) => {
      const beside = Math.max(...[-3, -2, -1, 1, 2, 3].map((away) => step(index + away)));
      if (step(index) > 20 * beside && beside > 0) { xs.push((at + x[index - 1]) / 2); ys.push(null); }
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

  // Flagged points that have no number, or one far beyond the others, stand at the edge: a bar, or an arrow to where they are.
  const edge = (plot, picture, places, xs, ys) => {
    const { ctx, bbox } = plot, { min, max } = plot.scales.y, size = 9 * devicePixelRatio;
    for (const [index, flag] of picture.flags) {
      const place = places[index], y = ys[place], at = plot.valToPos(xs[place], "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width || (y !== null && y >= min && y <= max)) continue;
      const up = y > max && y !== null, tip = up ? bbox.top : bbox.top + bbox.height, base = up ? tip + size : tip - size;
      ctx.fillStyle = flagColor(flag);
      ctx.beginPath();
      ctx.moveTo(y === null ? at - 1 : at, tip);
      ctx.lineTo(at + (y === null ? 1 : size / 2), y === null ? tip : base);
      ctx.lineTo(at + (y === null ? 1 : -size / 2), base);
      ctx.lineTo(y === null ? at - 1 : at, y === null ? base : tip);
      ctx.fill();
    }
  };

  // Points that no line reaches are drawn as dots.
  const alone = (ys) => {
    const empty = (index) => (ys[index] ?? null) === null;
    return ys.flatMap((_, index) => (!empty(index) && empty(index - 1) && empty(index + 1) ? [index] : []));
  };

  // As many digits as the steps of the axis need.
  const numberLabels = (_plot, splits, _axis, _space, step) => {
    const digits = Math.max(0, Math.ceil(-Math.log10(step || 1)));
    const plain = digits <= 8 && splits.every((value) => value === null || Math.abs(value) < 1e12);
    const spell = (value) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return splits.map((value) => (value === null ? "" : plain ? spell(value) : value.toExponential()));
  };
  const labelWidth = (_plot, labels) => 22 + 7.5 * Math.max(3, ...(labels ?? []).map((label) => label.length));

  // One clock that was reset must not squeeze everything into a line: times far from nearly all others are not shown at first.
  const usual = (xs) => {
    const low = xs[Math.floor(0.01 * xs.length)], high = xs[Math.ceil(0.99 * xs.length) - 1], room = high - low;
    const near = xs.filter((at) => room <= 0 || (at >= low - 5 * room && at <= high + 5 * room));
    return near.length === xs.length ? null : { min: near[0], max: near[near.length - 1], left: xs.length - near.length };
  };

  const span = (numbers) => [Math.min(...numbers), Math.max(...numbers)];

  // What is drawn from top to bottom: the points that did not fail, and as much room again for those that did; and the limits,
  // unless they would squeeze the series into a line.
  const range = (picture, good, low, high) => {
    const height = good[1] - good[0] || Math.abs(good[1]) || 1;
    let bottom = Math.max(low, good[0] - height), top = Math.min(high, good[1] + height);
    for (const [value] of picture.limits) {
      if (value > good[0] - 2 * height && value < good[1] + 2 * height) {
        bottom = Math.min(bottom, value);
        top = Math.max(top, value);
      }
    }
    const room = 0.06 * (top - bottom || 1);
    return [bottom - room, top + room];
  };

  // Dates as everybody reads them. Each line: from which step on, the label, and what stands below it where a year, a day or a
  // minute begins.
  const labels = [
    [31536000, "{YYYY}", null, null, null, null, null, null, 1],
    [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [1, ":{ss}", "\n{D} {MMM} {YYYY} {HH}:{mm}", null, "\n{D} {MMM} {HH}:{mm}", null, "\n{HH}:{mm}", null, 1],
    [0.001, ":{ss}.{fff}", "\n{D} {MMM} {YYYY} {HH}:{mm}", null, "\n{D} {MMM} {HH}:{mm}", null, "\n{HH}:{mm}", null, 1],
  ];

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
      label, stroke: color(name), paths: () => null, value: (_plot, value) => (value === null ? "--" : String(value)),
      points: { show: true, size, fill: color(name), stroke: color(name), width: 0, filter: null },
    });
    const failed = new Set(picture.flags.filter(([, flag]) => flag === FAIL).map(([index]) => places[index]));
    const numbers = ys.filter((value) => value !== null);
    const passed = ys.filter((value, index) => value !== null && !failed.has(index));
    const all = span(numbers), good = span(passed.length ? passed : numbers);
    const first = usual(xs);
    const plot = new uPlot({
      width: element.clientWidth, height: HEIGHT, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      cursor: { sync: { key: sync.key }, drag: { x: true, y: false } },
      scales: { x: { time: picture.time }, y: { range: (_, low, high) => range(picture, good, low ?? all[0], high ?? all[1]) } },
      axes: [picture.time ? { ...axis(), values: labels } : axis(), { ...axis(), size: labelWidth, values: numberLabels }],
      series: [
        picture.time ? { label: "time (UTC)", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" } : { label: "row" },
        {
          label: picture.field, stroke: color("series"), width: 1.25, paths: picture.lines ? undefined : () => null,
          points: picture.lines
            ? { show: true, size: 4, fill: color("series"), filter: xs.length < 200 ? null : () => alone(ys) }
            : { show: true, size: 3, fill: color("series"), filter: null },
          value: (_plot, value) => (value === null ? "--" : String(value)), spanGaps: false,
        },
        mark("SUSPECT", "suspect", 6),
        mark("FAIL", "fail", 6),
      ],
      hooks: {
        drawClear: [(plot) => shade(plot, picture)],
        draw: [(plot) => edge(plot, picture, places, xs, ys)],
      },
    }, [xs, ys, of(3), of(FAIL)], element);
    if (first) {
      plot.setScale("x", first);
      const note = element.nextElementSibling, left = first.left.toLocaleString("en");
      note.dataset.said ??= note.textContent.trim();
      note.textContent = `${note.dataset.said} ${left} points lie far outside; double-click to see them.`;
    }
    return plot;
  };

  const drawAll = () => {
    for (const plot of plots.splice(0)) plot.destroy();
    for (const element of document.querySelectorAll("[data-picture]")) {
      plots.push(draw(element, data.pictures[Number(element.dataset.picture)]));
    }
  };
  drawAll();
  let width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; drawAll(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

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
