// The image viewer: samples come as stored values, and are windowed here, so that window and level follow the hand.
// Nothing is kept beyond the page. Every frame that is fetched was opened by the key service, and logged, before it came.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const view = $("view"), canvas = $("canvas"), sheet = $("sheet"), paper = $("paper"), message = $("message");
  const tools = document.querySelector(".tools");
  const buttons = [...document.querySelectorAll(".series")];
  if (!view || buttons.length === 0) return;
  // Decoded frames that are held at one time: a CT series at 512 by 512 takes half a megabyte each.
  const HELD_FRAMES_MAX = 400, AHEAD = 6, AT_ONCE = 3;
  const draw = canvas.getContext("2d");
  const held = new Map();
  const state = { button: null, frames: [], base: "", index: 0, window: null, inverted: false, zoom: 1, x: 0, y: 0, frame: null };
  let opened = Number($("opened").dataset.first);

  const address = (index, what) => {
    const [uid, frame] = state.frames[index];
    return `${state.base}${uid}/${what}?frame=${frame}`;
  };
  const count = () => { opened += 1; $("opened").textContent = String(opened); };

  async function grey(response) {
    const about = JSON.parse(response.headers.get("segel-picture"));
    const bytes = await response.arrayBuffer();
    let values = about.bits === 16 ? (about.signed ? new Int16Array(bytes) : new Uint16Array(bytes))
      : (about.signed ? new Int8Array(bytes) : new Uint8Array(bytes));
    if (about.stored < about.bits) {
      // Bits above the stored ones may hold overlays of old; sign is taken from the highest stored bit.
      const shift = 32 - about.stored, signed = about.signed;
      values = values.map((v) => signed ? (v << shift) >> shift : (v << shift) >>> shift);
    }
    let low = Infinity, high = -Infinity;
    for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
    const of = (v) => v * about.slope + about.intercept;
    return { ...about, values, low: Math.min(of(low), of(high)), high: Math.max(of(low), of(high)) };
  }

  async function colour(index) {
    const response = await fetch(address(index, "image"));
    if (!response.ok) throw new Error(String(response.status));
    count();
    const bitmap = await createImageBitmap(await response.blob());
    return { bitmap, rows: bitmap.height, columns: bitmap.width };
  }

  function fetched(index) {
    const key = address(index, "samples");
    if (!held.has(key)) {
      const load = (async () => {
        if (state.coloured) return colour(index);
        const response = await fetch(key);
        if (response.status === 406) return colour(index);
        if (!response.ok) throw new Error(String(response.status));
        count();
        return grey(response);
      })();
      load.catch(() => held.delete(key));
      held.set(key, load);
      if (held.size > HELD_FRAMES_MAX) held.delete(held.keys().next().value);
    }
    return held.get(key);
  }

  // The neighbours come in, a few at a time, so that the wheel finds them there.
  let running = 0;
  function ahead() {
    const wanted = [];
    for (let d = 1; d <= AHEAD; d += 1) wanted.push(state.index + d, state.index - d);
    for (const index of wanted) {
      if (running >= AT_ONCE) return;
      if (index < 0 || index >= state.frames.length || held.has(address(index, "samples"))) continue;
      running += 1;
      fetched(index).catch(() => {}).finally(() => { running -= 1; ahead(); });
    }
  }

  function windowOf(frame) {
    const preset = $("preset").value;
    if (state.window) return state.window;
    if (preset.includes(",")) { const [c, w] = preset.split(",").map(Number); return { c, w }; }
    if (preset === "own" && frame.width > 0) return { c: frame.center, w: frame.width };
    return { c: (frame.low + frame.high) / 2, w: Math.max(1, frame.high - frame.low) };
  }

  let scratch = document.createElement("canvas");
  function pixels(frame) {
    const { c, w } = windowOf(frame);
    const image = new ImageData(frame.columns, frame.rows), out = new Uint32Array(image.data.buffer);
    const flip = state.inverted !== frame.inverted;
    // PS3.3 C.11.2.1.2: linear window.
    const scale = 255 * frame.slope / Math.max(1, w - 1), shift = ((frame.intercept - c + 0.5) / Math.max(1, w - 1) + 0.5) * 255;
    const values = frame.values;
    for (let i = 0; i < out.length; i += 1) {
      let v = values[i] * scale + shift;
      v = v < 0 ? 0 : v > 255 ? 255 : v | 0;
      if (flip) v = 255 - v;
      out[i] = 0xff000000 | (v << 16) | (v << 8) | v;
    }
    scratch.width = frame.columns; scratch.height = frame.rows;
    scratch.getContext("2d").putImageData(image, 0, 0);
    return scratch;
  }

  function paint() {
    const frame = state.frame;
    const ratio = window.devicePixelRatio || 1, width = view.clientWidth, height = view.clientHeight;
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    if (!frame) return;
    const fit = Math.min(canvas.width / frame.columns, canvas.height / frame.rows) * state.zoom;
    draw.imageSmoothingQuality = "high";
    const source = frame.bitmap || pixels(frame);
    draw.drawImage(source, (canvas.width - frame.columns * fit) / 2 + state.x * ratio, (canvas.height - frame.rows * fit) / 2 + state.y * ratio,
      frame.columns * fit, frame.rows * fit);
    tell(frame, fit / ratio);
  }

  function tell(frame, zoom) {
    $("counter").textContent = state.frames.length > 1 ? `${state.index + 1} / ${state.frames.length}` : "";
    $("zoom").textContent = `${frame.columns} × ${frame.rows}   ${Math.round(zoom * 100)} %`;
    if (frame.bitmap) { $("window").textContent = ""; return; }
    const { c, w } = windowOf(frame);
    $("window").textContent = `L ${Math.round(c)}   W ${Math.round(w)}`;
    const span = Math.max(1, frame.high - frame.low);
    const level = $("level"), breadth = $("width");
    level.min = Math.floor(frame.low - span / 4); level.max = Math.ceil(frame.high + span / 4); level.value = c;
    breadth.min = 1; breadth.max = Math.ceil(span * 1.5); breadth.value = w;
  }

  let turn = 0;
  async function show(index) {
    state.index = Math.max(0, Math.min(state.frames.length - 1, index));
    $("slice").value = state.index + 1;
    const mine = (turn += 1);
    const late = setTimeout(() => { if (mine === turn) message.textContent = `${message.dataset.loading} …`; }, 180);
    try {
      const frame = await fetched(state.index);
      if (mine !== turn) return;
      state.frame = frame;
      message.textContent = "";
      tools.toggleAttribute("data-off", Boolean(frame.bitmap));
      requestAnimationFrame(paint);
      ahead();
    } catch {
      if (mine === turn) { state.frame = null; paint(); message.textContent = message.dataset.failed; }
    } finally { clearTimeout(late); }
  }

  function choose(button) {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    const { kind, base, frames, modality, description } = button.dataset;
    Object.assign(state, { button, base, frames: JSON.parse(frames), coloured: "colour" in button.dataset, index: 0, window: null, inverted: false, zoom: 1, x: 0, y: 0, frame: null });
    view.dataset.kind = kind;
    $("about").textContent = `${modality}  ${description}`;
    $("invert").setAttribute("aria-pressed", "false");
    $("preset").value = "own";
    for (const option of document.querySelectorAll("#preset [data-ct]")) option.hidden = modality !== "CT";
    for (const id of ["window", "zoom", "counter"]) $(id).textContent = "";
    const images = kind === "images";
    sheet.hidden = kind !== "waveform"; paper.hidden = kind !== "document"; canvas.hidden = !images;
    tools.toggleAttribute("data-off", !images);
    document.querySelector(".scroll").hidden = !images || state.frames.length < 2;
    $("slice").max = state.frames.length;
    message.textContent = "";
    turn += 1;
    if (images) { show(Math.floor(state.frames.length / 2)); return; }
    if (kind === "waveform") {
      sheet.onload = count;
      sheet.onerror = () => { sheet.hidden = true; message.textContent = message.dataset.failed; };
      sheet.src = address(0, "electrocardiogram");
    } else if (kind === "document") paper.href = address(0, "document");
    else message.textContent = message.dataset.failed;
  }

  for (const button of buttons) button.addEventListener("click", () => choose(button));
  const adjust = () => { state.window = { c: Number($("level").value), w: Math.max(1, Number($("width").value)) }; paint(); };
  $("level").addEventListener("input", adjust);
  $("width").addEventListener("input", adjust);
  $("preset").addEventListener("change", () => { state.window = null; paint(); });
  $("slice").addEventListener("input", (event) => show(Number(event.target.value) - 1));
  const invert = () => { state.inverted = !state.inverted; $("invert").setAttribute("aria-pressed", String(state.inverted)); paint(); };
  const reset = () => { Object.assign(state, { window: null, zoom: 1, x: 0, y: 0 }); $("preset").value = "own"; if (state.inverted) invert(); paint(); };
  const zoom = (by) => { state.zoom = Math.max(0.25, Math.min(12, state.zoom * by)); paint(); };
  $("invert").addEventListener("click", invert);
  $("reset").addEventListener("click", reset);

  let wheel = 0;
  view.addEventListener("wheel", (event) => {
    if (view.dataset.kind !== "images") return;
    event.preventDefault();
    if (event.ctrlKey) { zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12); return; }
    if (state.frames.length < 2) return;
    // Wheels send 100 or more a notch, touchpads a few at a time.
    wheel += event.deltaY;
    const steps = Math.trunc(wheel / 40);
    if (steps !== 0) { wheel = 0; show(state.index + Math.sign(steps)); }
  }, { passive: false });

  let drag = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.target === paper || view.dataset.kind !== "images" || !state.frame) return;
    view.setPointerCapture(event.pointerId);
    const move = event.shiftKey || event.button === 1 || state.frame.bitmap;
    drag = { x: event.clientX, y: event.clientY, move, start: state.frame.bitmap ? null : windowOf(state.frame), px: state.x, py: state.y, index: state.index,
      scroll: event.pointerType === "touch" && state.frames.length > 1 };
  });
  view.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (drag.scroll && Math.abs(dy) > Math.abs(dx)) { show(drag.index + Math.round(dy / 12)); return; }
    if (drag.move) { state.x = drag.px + dx; state.y = drag.py + dy; } else {
      const speed = Math.max(1, drag.start.w / 350);
      state.window = { c: drag.start.c + dy * speed, w: Math.max(1, drag.start.w + dx * speed) };
    }
    requestAnimationFrame(paint);
  });
  for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { drag = null; });

  view.addEventListener("keydown", (event) => {
    const last = state.frames.length - 1;
    const keys = {
      ArrowDown: () => show(state.index + 1), ArrowRight: () => show(state.index + 1), ArrowUp: () => show(state.index - 1), ArrowLeft: () => show(state.index - 1),
      PageDown: () => show(state.index + 10), PageUp: () => show(state.index - 10), Home: () => show(0), End: () => show(last),
      "+": () => zoom(1.2), "=": () => zoom(1.2), "-": () => zoom(1 / 1.2), i: invert, I: invert, r: reset, R: reset,
    };
    if (view.dataset.kind !== "images" || event.ctrlKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  new ResizeObserver(() => paint()).observe(view);
  choose(buttons[0]);
})();
