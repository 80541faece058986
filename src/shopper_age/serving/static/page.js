// Sends one photo to /v1/age and shows the answer. Nothing is kept but the API key, until the page is closed.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
const state = { key: "", photo: null, stream: null, turn: 0, url: null };

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function say(text, isError = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("error", isError);
}

async function send(photo) {
  const turn = ++state.turn; // an answer that comes after that for a later photo is dropped
  state.photo = photo;
  byId("result").hidden = true;
  byId("keyform").hidden = true;
  say(TEXTS.working);
  let reply, content;
  try {
    for (let attempt = 0; ; attempt++) {
      const body = new FormData();
      body.append("photos", photo, "photo");
      const headers = state.key ? { Authorization: `Bearer ${state.key}` } : {};
      reply = await fetch("v1/age", { method: "POST", body, headers });
      if (turn !== state.turn) return;
      if (reply.status !== 429 || attempt === 5) break;
      say(TEXTS.busy);
      await new Promise((wake) => setTimeout(wake, 1000 * Number(reply.headers.get("Retry-After") || 1)));
    }
    content = await reply.json();
  } catch {
    if (turn === state.turn) say(TEXTS.noServer, true);
    return;
  }
  if (turn !== state.turn) return;
  if (reply.status === 401) {
    say(state.key ? TEXTS.wrongKey : "", true);
    byId("keyform").hidden = false;
    byId("key").focus();
  } else if (!reply.ok) {
    say(TEXTS.refused(content.message), true);
  } else {
    await show(photo, content);
  }
}

async function show(photo, content) {
  const [found] = content.photos;
  await showPhoto(photo, found.faces);
  const answer = byId("answer");
  answer.replaceChildren(verdict(found, content.model));
  found.faces.forEach((face, index) => {
    if (found.faces.length > 1) answer.append(element("h3", TEXTS.face(index + 1)));
    answer.append(...details(face, content.model, found.faces.length > 1));
  });
  say(TEXTS.done);
  byId("result").hidden = false;
  byId("result").focus();
}

async function showPhoto(photo, faces) {
  if (state.url) URL.revokeObjectURL(state.url);
  state.url = URL.createObjectURL(photo);
  const image = element("img", "", { src: state.url, alt: TEXTS.photoOf });
  byId("photo").replaceChildren();
  try {
    await image.decode();
  } catch {
    return; // the browser cannot show it; the answer stands alone
  }
  const boxes = shape("svg", { viewBox: `0 0 ${image.naturalWidth} ${image.naturalHeight}`, "aria-hidden": "true" });
  for (const face of faces) {
    if (!face.box) continue;
    const { left, top, right, bottom } = face.box;
    const place = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
    boxes.append(shape("rect", { ...place, class: face.ask_for_id ? "box ask" : "box" }));
  }
  byId("photo").replaceChildren(image, boxes);
}

function verdict(found, model) {
  const box = element("div", "", { class: found.ask_for_id ? "verdict ask" : "verdict" });
  box.append(element("h2", found.ask_for_id ? TEXTS.ask : TEXTS.pass));
  box.append(element("p", why(found, model)));
  return box;
}

function problem(code) {
  return TEXTS.problems[code] ?? TEXTS.otherProblem(code);
}

function why(found, model) {
  if (found.faces.length > 1) return TEXTS.faceCount(found.faces.length);
  return found.faces.length ? whyFace(found.faces[0], model) : problem(found.problem);
}

function whyFace(face, model) {
  if (face.problem) return problem(face.problem);
  if (model.threshold_age === null) return TEXTS.askEverybody;
  if (!face.is_sure) return TEXTS.unsure(model.max_interval_width);
  return (face.ask_for_id ? TEXTS.below : TEXTS.above)(model.threshold_age);
}

function details(face, model, isOneOfSeveral) {
  if (face.problem) return isOneOfSeveral ? [element("p", problem(face.problem))] : [];
  const list = element("dl");
  const add = (name, value) => list.append(element("dt", name), element("dd", value));
  add(TEXTS.interval, TEXTS.intervalIs(face.low, face.high, model.interval_level));
  add(TEXTS.group, face.age_group);
  if (face.p_under_legal_age !== null) add(TEXTS.under(model.legal_age), percent(face.p_under_legal_age));
  const parts = [element("p", TEXTS.about_age(face.age), { class: "age" }), list];
  if (face.distribution) parts.push(curve(face));
  return parts;
}

function curve(face) {
  const [width, height, left, base] = [400, 170, 10, 125];
  const x = (age) => left + (age / 100) * (width - 2 * left);
  const most = Math.max(...face.distribution);
  const y = (share) => base - (share / most) * (base - 10);
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "curve", role: "img" });
  drawn.setAttribute("aria-label", TEXTS.curve(face.low, face.high));
  drawn.append(shape("rect", { x: x(face.low), y: 10, width: x(face.high) - x(face.low), height: base - 10, class: "band" }));
  // the probability of a year of life lies in its middle
  const points = face.distribution.map((share, age) => `${x(Math.min(100, age + 0.5)).toFixed(1)},${y(share).toFixed(1)}`);
  drawn.append(shape("polyline", { points: points.join(" "), class: "line" }));
  drawn.append(shape("line", { x1: x(face.age), x2: x(face.age), y1: 10, y2: base, class: "mark" }));
  drawn.append(shape("line", { x1: left, x2: width - left, y1: base, y2: base, class: "axis" }));
  for (let age = 0; age <= 100; age += 20) {
    const anchor = age === 0 ? "start" : age === 100 ? "end" : "middle";
    drawn.append(shape("text", { x: x(age), y: base + 17, "text-anchor": anchor }, number(age)));
  }
  drawn.append(shape("text", { x: width / 2, y: base + 38, "text-anchor": "middle" }, TEXTS.axis));
  return drawn;
}

async function openCamera() {
  if (!navigator.mediaDevices) return say(TEXTS.insecure, true);
  closeCamera();
  try {
    state.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } } });
  } catch {
    return say(TEXTS.noCamera, true);
  }
  say("");
  byId("video").srcObject = state.stream;
  byId("viewfinder").hidden = false;
  byId("shoot").focus();
}

function closeCamera() {
  state.stream?.getTracks().forEach((track) => track.stop());
  state.stream = null;
  byId("viewfinder").hidden = true;
}

function shoot() {
  const video = byId("video");
  if (!video.videoWidth) return; // no picture has come yet
  const canvas = element("canvas", "", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob((photo) => send(photo), "image/jpeg", 0.95);
}

document.documentElement.lang = LANGUAGE;
document.title = TEXTS.title;
for (const place of document.querySelectorAll("[data-text]")) place.textContent = TEXTS[place.dataset.text];
byId("choose").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", (event) => {
  const [photo] = event.target.files;
  if (photo) send(photo);
  event.target.value = ""; // the same file may be chosen again
});
byId("camera").addEventListener("click", openCamera);
byId("shoot").addEventListener("click", shoot);
byId("stop").addEventListener("click", () => { closeCamera(); byId("camera").focus(); });
byId("keyform").addEventListener("submit", (event) => {
  event.preventDefault();
  state.key = byId("key").value;
  send(state.photo);
});
// anywhere on the page, or a photo that misses the frame would be opened in its place
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
}
