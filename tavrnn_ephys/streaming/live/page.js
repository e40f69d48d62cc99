"use strict";
(() => {
  const place = (id) => document.getElementById(id);
  const say = (id, text) => { if (place(id).textContent !== text) place(id).textContent = text; };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const options = { displayModeBar: false, responsive: true, typesetMath: false };
  // Events that say what was done, not what was lost.
  const noLoss = new Set(["trigger", "begin", "source", "resumed", "adapted", "drift"]);
  const signed = {
    light: [[0, "#053061"], [0.25, "#4393c3"], [0.5, "#ffffff"], [0.75, "#d6604d"], [1, "#67001f"]],
    dark: [[0, "#9bd2ff"], [0.25, "#2f7fb8"], [0.5, "#12151b"], [0.75, "#c8553a"], [1, "#ffc2a3"]],
  };
  let waiting = null;
  let ended = false;

  function layout(x, y, margin) {
    const axis = (title, more) => ({
      title: { text: title, font: { size: 12 } }, gridcolor: colour("line"), zeroline: false, ...more,
    });
    return {
      margin: { l: 56, r: 12, t: 8, b: 40, ...margin }, font: { color: colour("ink"), size: 12 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
      xaxis: axis(...x), yaxis: axis(...y),
    };
  }

  function rowsOf(values, nRows, nColumns) {
    return Array.from({ length: nRows }, (_, row) => values.subarray(row * nColumns, (row + 1) * nColumns));
  }

  function drawRaster(head, values) {
    const [nRows, nColumns] = head.raster;
    const shades = ["card", "low", "accent", "accent", "ink", "unknown"].map(colour);
    const scale = shades.flatMap((shade, k) => [[k / 6, shade], [(k + 1) / 6, shade]]);
    const trace = {
      type: "heatmap", z: rowsOf(values, nRows, nColumns), x0: (0.5 - nColumns) * head.bin_size_s, dx: head.bin_size_s,
      y0: head.row_size / 2, dy: head.row_size, zmin: -0.5, zmax: 5.5, colorscale: scale, showscale: false, hoverinfo: "skip",
    };
    Plotly.react("raster", [trace], layout(["time before the last bin, s"], ["node"]), options);
    const pooled = head.row_size > 1 ? ` A row shows the largest count of ${head.row_size} nodes.` : "";
    say("raster-text", `Counts of ${head.n_nodes} nodes in bins of ${head.bin_size_s} s, darker from 1 to 4 or more; a shaded column is missing or was not shown.${pooled}`);
  }

  function drawSimilarity(head, values) {
    const n = head.stops.length;
    if (!n) return;
    const trace = {
      type: "heatmap", z: rowsOf(values, n, n), x: head.stops, y: head.stops, zmin: -100, zmax: 100, hoverinfo: "skip",
      colorscale: signed[dark.matches ? "dark" : "light"],
      colorbar: { thickness: 10, tickvals: [-100, 0, 100], ticktext: ["−1", "0", "1"], title: { text: "r" } },
    };
    const title = "end of the window before the last bin, s";
    Plotly.react("similarity", [trace], layout([title], [title, { scaleanchor: "x", constrain: "domain" }]), options);
  }

  function drawLine(id, head, values, title, range) {
    const trace = { type: "scatter", mode: "lines", x: head.times, y: values, line: { color: colour("accent"), width: 1.5 }, hoverinfo: "skip" };
    Plotly.react(id, [trace], layout(["time before the last bin, s"], [title, { rangemode: "tozero", ...range }]), options);
  }

  function write(head) {
    const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
    const losses = Object.entries(head.losses || {});
    const lost = losses.filter(([kind]) => !noLoss.has(kind)).reduce((sum, [, count]) => sum + count, 0);
    document.title = head.title;
    say("title", head.title);
    say("time", `${number(head.t_s, 1)} s`);
    say("state", head.state || "first window");
    say("committed", String(head.n_committed || 0));
    say("latency-numbers", `${number(head.latency_median_ms, 1)} / ${number(head.latency_p99_ms, 1)} ms`);
    const score = head.score.length ? head.score[head.score.length - 1] : null;
    say("score-number", number(score, 2));
    say("triggers", String((head.losses || {}).trigger || 0));
    say("lost", lost ? String(lost) : "nothing");
    place("lost-card").classList.toggle("warning", lost > 0);
    say("dropped", head.n_dropped ? `${head.n_dropped} pictures were left out: the page takes no time from the stream.` : "");
    const rows = losses.length ? losses : [["none", 0]];
    place("losses").replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }));
    place("events").replaceChildren(...head.events.slice().reverse().map(([t, kind, text]) => (
      Object.assign(document.createElement("li"), { textContent: `${number(t, 1)} s, ${kind}: ${text}` })
    )));
    const known = head.score.some((value) => value !== null);
    say("score-text", known ? "Probability of the state that the decoder was fitted to." : "There is no decoder: no score.");
  }

  function draw() {
    const buffer = waiting;
    waiting = null;
    if (!buffer) return;
    const size = new DataView(buffer).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
    const n = head.raster[0] * head.raster[1];
    ended = head.ended;
    write(head);
    drawRaster(head, new Uint8Array(buffer, 4 + size, n));
    drawSimilarity(head, new Int8Array(buffer, 4 + size + n));
    drawLine("latency", head, head.latency_ms, "ms");
    drawLine("score", head, head.score, "probability", { range: [0, 1] });
    say("said", ended ? "The stream has ended; this is its last picture." : "Live.");
    document.documentElement.dataset.pictures = String(Number(document.documentElement.dataset.pictures || 0) + 1);
  }

  const socket = new WebSocket(`ws://${window.location.host}/feed`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event) => {
    // Only the newest picture is drawn, and none while the page is hidden.
    if (!waiting) window.requestAnimationFrame(draw);
    waiting = event.data;
  };
  socket.onclose = () => {
    draw();
    if (ended) return;
    place("said").classList.add("warning");
    say("said", "The page is no longer fed. The stream is not concerned; its log goes on.");
  };
})();
