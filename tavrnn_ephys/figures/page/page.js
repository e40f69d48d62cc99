"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const slider = document.getElementById("slider");
  const output = document.getElementById("window");
  const play = document.getElementById("play");
  const themeButton = document.getElementById("theme");
  const place = (id) => document.getElementById(id);
  const squares = ["matrix", "embedding", "map", "trajectory"];
  const options = { displaylogo: false, responsive: true, displayModeBar: false, scrollZoom: false };
  // Blue is negative, white or black nothing, red positive: told apart without red and green.
  const signed = {
    light: [[0, "#053061"], [0.25, "#4393c3"], [0.5, "#ffffff"], [0.75, "#d6604d"], [1, "#67001f"]],
    dark: [[0, "#9bd2ff"], [0.25, "#2f7fb8"], [0.5, "#12151b"], [0.75, "#c8553a"], [1, "#ffc2a3"]],
  };

  function unpack(text, Type) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
    return new Type(bytes.buffer);
  }

  const matrix = data.matrix && { ...data.matrix, values: unpack(data.matrix.values, Int8Array) };
  const embedding = data.embedding && { ...data.embedding, points: unpack(data.embedding.points, Int16Array) };
  const map = data.map && {
    ...data.map, values: unpack(data.map.values, Uint16Array), edges: unpack(data.map.edges, Int32Array),
  };

  function matrixOf(index) {
    const { n, directed, limit, values } = matrix;
    const size = directed ? n * n : (n * (n + 1)) / 2;
    const rows = Array.from({ length: n }, () => new Array(n).fill(null));
    let at = index * size;
    for (let i = 0; i < n; i += 1) {
      for (let j = directed ? 0 : i; j < n; j += 1) {
        const value = values[at];
        at += 1;
        if (value === -128) continue;
        rows[i][j] = (value / 127) * limit;
        if (!directed) rows[j][i] = rows[i][j];
      }
    }
    return rows;
  }

  function pointsOf(index, traces) {
    const { n, limit, points } = embedding;
    const at = (node, axis) => {
      const step = points[2 * (index * n + node) + axis];
      // The smallest step stands for a node that does not exist in this window.
      return step === -32768 ? null : (step / 32767) * limit;
    };
    const nodes = traces.map((trace) => trace.meta.nodes);
    return {
      x: nodes.map((list) => list.map((node) => at(node, 0))),
      y: nodes.map((list) => list.map((node) => at(node, 1))),
    };
  }

  function mapOf(index, trace) {
    const { n, limit, values, edges, n_edges: most } = map;
    const color = Array.from(values.subarray(index * n, (index + 1) * n), (v) => (v / 65535) * limit);
    const x = [];
    const y = [];
    for (let k = 0; k < most; k += 1) {
      const a = edges[2 * (index * most + k)];
      const b = edges[2 * (index * most + k) + 1];
      if (a < 0) break;
      x.push(trace.x[a], trace.x[b], null);
      y.push(trace.y[a], trace.y[b], null);
    }
    return { color, x, y };
  }

  function spikes() {
    const times = unpack(data.raster.times, Float32Array);
    const rows = unpack(data.raster.rows, Int32Array);
    const x = new Array(3 * times.length);
    const y = new Array(3 * times.length);
    for (let i = 0; i < times.length; i += 1) {
      x[3 * i] = times[i];
      x[3 * i + 1] = times[i];
      x[3 * i + 2] = null;
      y[3 * i] = rows[i] - 0.45;
      y[3 * i + 1] = rows[i] + 0.45;
      y[3 * i + 2] = null;
    }
    return { x, y };
  }

  function colors() {
    const style = getComputedStyle(root);
    const of = (name) => style.getPropertyValue(name).trim();
    return { ink: of("--ink"), faint: of("--faint"), line: of("--line"), accent: of("--accent") };
  }

  function themed(layout) {
    const { ink, line, faint } = colors();
    const change = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      "font.color": ink, "font.family": "system-ui, sans-serif", "font.size": 12,
    };
    for (const key of Object.keys(layout)) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      change[`${key}.gridcolor`] = line;
      change[`${key}.linecolor`] = faint;
      change[`${key}.zerolinecolor`] = faint;
      change[`${key}.tickcolor`] = faint;
    }
    return change;
  }

  function isDark() { return root.dataset.theme === "dark"; }

  function recolored(id, figure) {
    const scale = signed[isDark() ? "dark" : "light"];
    figure.data.forEach((trace, number) => {
      if (id === "matrix" || (id === "raster" && trace.type === "heatmap")) {
        Plotly.restyle(place(id), { colorscale: [scale] }, [number]);
      } else if (id === "raster" && number === 0) {
        Plotly.restyle(place(id), { "line.color": colors().ink }, [0]);
      }
    });
  }

  function paint() {
    for (const [id, figure] of Object.entries(data.figures)) {
      if (!place(id)) continue;
      Plotly.relayout(place(id), themed(figure.layout));
      recolored(id, figure);
    }
    themeButton.textContent = isDark() ? "Light" : "Dark";
    themeButton.setAttribute("aria-pressed", String(isDark()));
  }

  function setTheme(name) {
    root.dataset.theme = name;
    paint();
  }

  let current = -1;
  function show(index) {
    if (index === current) return;
    current = index;
    output.textContent = data.windows[index];
    slider.setAttribute("aria-valuetext", data.windows[index]);
    if (matrix && place("matrix")) Plotly.restyle(place("matrix"), { z: [matrixOf(index)] }, [0]);
    if (embedding && place("embedding")) {
      const traces = data.figures.embedding.data;
      Plotly.restyle(place("embedding"), pointsOf(index, traces), traces.map((_, i) => i));
      const [x, y] = embedding.path[index];
      Plotly.restyle(place("trajectory"), { x: [[x]], y: [[y]] }, [2]);
    }
    if (map && place("map")) {
      const { color, x, y } = mapOf(index, positions);
      Plotly.restyle(place("map"), { x: [x], y: [y] }, [0]);
      Plotly.restyle(place("map"), { "marker.color": [color] }, [1]);
    }
    if (place("raster")) {
      Plotly.relayout(place("raster"), { "shapes[0].x0": data.starts[index], "shapes[0].x1": data.stops[index] });
    }
    if (place("attention")) {
      const half = (data.shown[1] - data.shown[0]) / 2 || 0.5;
      const at = data.shown[index] + 1;
      Plotly.relayout(place("attention"), { "shapes[0].x0": at - half, "shapes[0].x1": at + half });
    }
  }

  let timer = 0;
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }
  function toggle() {
    if (timer) { stop(); return; }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      const next = Number(slider.value) === Number(slider.max) ? 0 : Number(slider.value) + 1;
      slider.value = String(next);
      show(next);
    }, 400);
  }

  let asked = 0;
  slider.addEventListener("input", () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => show(Number(slider.value)));
  });
  slider.addEventListener("keydown", stop);
  slider.addEventListener("pointerdown", stop);
  play.addEventListener("click", toggle);
  themeButton.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  place("print").addEventListener("click", () => window.print());
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  preferred.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));

  // Paper is white, and what is folded is printed too.
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = { theme: root.dataset.theme, closed: [...document.querySelectorAll("details:not([open])")] };
    before.closed.forEach((item) => { item.open = true; });
    setTheme("light");
    Object.keys(data.figures).forEach((id) => place(id) && Plotly.Plots.resize(place(id)));
  });
  window.addEventListener("afterprint", () => {
    if (!before) return;
    before.closed.forEach((item) => { item.open = false; });
    setTheme(before.theme);
    Object.keys(data.figures).forEach((id) => place(id) && Plotly.Plots.resize(place(id)));
  });

  root.dataset.theme = preferred.matches ? "dark" : "light";
  let positions = null;
  for (const [id, figure] of Object.entries(data.figures)) {
    if (!place(id)) continue;
    if (root.clientWidth < 520 && squares.includes(id)) {
      figure.layout.height = id === "map" ? 300 : 360;
      place(id).style.minHeight = `${figure.layout.height}px`;
      if (id === "map") figure.data[1].marker.size *= 0.6;
    }
    Plotly.newPlot(place(id), figure.data, figure.layout, options);
  }
  if (map && place("map")) {
    const { x, y } = place("map")._fullData[1];
    positions = { x: Array.from(x), y: Array.from(y) };
  }
  if (matrix && place("matrix")) {
    const { names } = matrix;
    const pairs = names.map((a) => names.map((b) => `${a} – ${b}`));
    Plotly.restyle(place("matrix"), { customdata: [pairs] }, [0]);
  }
  if (data.raster && place("raster")) {
    const { x, y } = spikes();
    Plotly.restyle(place("raster"), { x: [x], y: [y] }, [0]);
  }
  paint();
  show(0);
  root.dataset.ready = "true";
})();
