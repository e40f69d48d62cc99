"use strict";
(async () => {
  const root = document.documentElement;
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = preferred.matches ? "dark" : "light";
  if (typeof DecompressionStream === "undefined") {
    document.getElementById("too-old").hidden = false;
    document.querySelectorAll(".chart, .control").forEach((item) => { item.hidden = true; });
    return;
  }
  await library();
  const data = JSON.parse(await unzipped("data"));
  const slider = document.getElementById("slider");
  const output = document.getElementById("window");
  const play = document.getElementById("play");
  const themeButton = document.getElementById("theme");
  const place = (id) => document.getElementById(id);
  const drawn = new Set();
  const squares = ["matrix", "embedding", "map", "trajectory"];
  const options = { displaylogo: false, responsive: true, displayModeBar: false, scrollZoom: false, typesetMath: false };
  // Blue is negative, white or black nothing, red positive: told apart without red and green.
  const signed = {
    light: [[0, "#053061"], [0.25, "#4393c3"], [0.5, "#ffffff"], [0.75, "#d6604d"], [1, "#67001f"]],
    dark: [[0, "#9bd2ff"], [0.25, "#2f7fb8"], [0.5, "#12151b"], [0.75, "#c8553a"], [1, "#ffc2a3"]],
  };

  const levels = {
    light: [[0, "#ffffff"], [1, "#1c2330"]],
    dark: [[0, "#1b2029"], [1, "#e7eaf0"]],
  };

  function bytesOf(text) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
    return bytes;
  }

  function unpack(text, Type) { return new Type(bytesOf(text).buffer); }

  async function unzipped(id) {
    const zipped = new Blob([bytesOf(document.getElementById(id).textContent)]);
    return new Response(zipped.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  async function library() {
    const script = document.createElement("script");
    script.textContent = await unzipped("plotly");
    document.head.append(script);
    script.remove();
  }

  const matrix = data.matrix && { ...data.matrix, values: unpack(data.matrix.values, Int8Array) };
  const embedding = data.embedding && { ...data.embedding, points: unpack(data.embedding.points, Int16Array) };
  const map = data.map && {
    ...data.map,
    values: unpack(data.map.values, data.map.steps > 255 ? Uint16Array : Uint8Array),
    edges: unpack(data.map.edges, Int32Array),
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
    const { n, limit, steps, values, edges, n_edges: most } = map;
    const color = Array.from(values.subarray(index * n, (index + 1) * n), (v) => (v / steps) * limit);
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

  // On a narrow page marks of all spikes would merge into black.
  function thinned(values, every) { return every > 1 ? values.filter((_, i) => i % every === 0) : values; }
  function spikes() {
    const every = root.clientWidth < 520 ? Math.ceil(data.raster.per_node / 60) : 1;
    const times = thinned(unpack(data.raster.times, Float32Array), every);
    const rows = thinned(unpack(data.raster.rows, Int32Array), every);
    if (every > 1) {
      place("card-raster").querySelector("figcaption").append(` This page is narrow: 1 in ${every} of these spikes is drawn.`);
    }
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

  // Changes of traces are pairs as Plotly.restyle takes them: one value per trace, and which traces.
  function recolored(id, figure) {
    const scale = signed[isDark() ? "dark" : "light"];
    return figure.data.flatMap((trace, number) => {
      if (trace.meta?.scale === "levels") return [[{ colorscale: [levels[isDark() ? "dark" : "light"]] }, [number]]];
      if (trace.type === "heatmap") return [[{ colorscale: [scale] }, [number]]];
      return id === "raster" && number === 0 ? [[{ "line.color": [colors().ink] }, [0]]] : [];
    });
  }

  const moving = {
    matrix: (index) => (matrix ? [[{ z: [matrixOf(index)] }, [0]]] : []),
    embedding: (index) => {
      const traces = data.figures.embedding.data;
      return [[pointsOf(index, traces), traces.map((_, number) => number)]];
    },
    trajectory: (index) => {
      const [x, y] = embedding.path[index];
      return [[{ x: [[x]], y: [[y]] }, [2]]];
    },
    map: (index) => {
      if (!map) return [];
      const { color, x, y } = mapOf(index, data.figures.map.data[1]);
      return [[{ x: [x], y: [y] }, [0]], [{ "marker.color": [color] }, [1]]];
    },
  };

  function band(id, index) {
    let [start, stop] = [data.starts[index], data.stops[index]];
    if (id === "attention") {
      const half = (data.shown[1] - data.shown[0]) / 2 || 0.5;
      [start, stop] = [data.shown[index] + 1 - half, data.shown[index] + 1 + half];
    }
    return { "shapes[0].x0": start, "shapes[0].x1": stop };
  }
  const banded = ["raster", "attention"];

  function paint() {
    for (const id of drawn) {
      Plotly.relayout(place(id), themed(data.figures[id].layout));
      recolored(id, data.figures[id]).forEach((change) => Plotly.restyle(place(id), ...change));
    }
  }

  function nameTheme() {
    themeButton.textContent = isDark() ? "Light" : "Dark";
    themeButton.setAttribute("aria-pressed", String(isDark()));
  }

  function setTheme(name) {
    root.dataset.theme = name;
    paint();
    nameTheme();
  }

  let current = 0;
  function say(index) {
    output.textContent = data.windows[index];
    slider.setAttribute("aria-valuetext", data.windows[index]);
  }
  function show(index) {
    if (index === current) return;
    current = index;
    say(index);
    for (const id of drawn) {
      (moving[id]?.(index) ?? []).forEach((change) => Plotly.restyle(place(id), ...change));
      if (banded.includes(id)) Plotly.relayout(place(id), band(id, index));
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
  preferred.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));

  // Paper is white, and what is folded is printed too.
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = { theme: root.dataset.theme, closed: [...document.querySelectorAll("details:not([open])")] };
    before.closed.forEach((item) => { item.open = true; });
    waiting.filter((id) => !drawn.has(id)).forEach(draw);
    setTheme("light");
    Object.keys(data.figures).forEach((id) => place(id) && Plotly.Plots.resize(place(id)));
  });
  window.addEventListener("afterprint", () => {
    if (!before) return;
    before.closed.forEach((item) => { item.open = false; });
    setTheme(before.theme);
    Object.keys(data.figures).forEach((id) => place(id) && Plotly.Plots.resize(place(id)));
  });

  function put(target, path, value) {
    const keys = path.split(/[.[\]]+/).filter(Boolean);
    const last = keys.pop();
    let inner = target;
    for (const key of keys) inner = inner[key] ??= {};
    inner[last] = value;
  }

  // Whatever a picture is to show at first is put into it before it is drawn: a picture that is
  // drawn once takes a third of the time of one that is drawn and then changed.
  function prepared(id) {
    const figure = data.figures[id];
    if (root.clientWidth < 520 && squares.includes(id)) {
      figure.layout.height = id === "map" ? 300 : 360;
      place(id).style.minHeight = `${figure.layout.height}px`;
      if (id === "map") figure.data[1].marker.size *= 0.6;
    }
    if (root.clientWidth < 520 && id === "similarity") {
      figure.layout.height = 460;
      place(id).style.minHeight = "460px";
    }
    if (id === "matrix" && matrix) {
      figure.data[0].customdata = matrix.names.map((a) => matrix.names.map((b) => `${a} – ${b}`));
    }
    if (id === "raster" && data.raster) Object.assign(figure.data[0], spikes());
    const layout = { ...themed(figure.layout), ...(banded.includes(id) ? band(id, current) : {}) };
    for (const [path, value] of Object.entries(layout)) put(figure.layout, path, value);
    for (const [change, traces] of [...recolored(id, figure), ...(moving[id]?.(current) ?? [])]) {
      for (const [path, values] of Object.entries(change)) {
        traces.forEach((number, at) => put(figure.data[number], path, values[at]));
      }
    }
    return figure;
  }

  function draw(id) {
    const { data: traces, layout } = prepared(id);
    Plotly.newPlot(place(id), traces, layout, options);
    drawn.add(id);
  }

  // What stands in the window is drawn first; the page answers between any two pictures.
  const waiting = Object.keys(data.figures).filter(place);
  const seen = (id) => place(id).getBoundingClientRect().top < window.innerHeight;
  async function drawAll(ids) {
    for (const id of ids) {
      if (!drawn.has(id)) draw(id);
      await new Promise((go) => { setTimeout(go); });
    }
  }
  say(0);
  nameTheme();
  await drawAll(waiting.filter(seen));
  performance.mark("first-view");
  await drawAll(waiting);
  performance.mark("all-drawn");
  root.dataset.ready = "true";
})();
