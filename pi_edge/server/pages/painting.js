// A photo in the manner of a painting: a small one at once, the full size when asked for.
import { at, debounced, h, say, seconds, takesFiles } from "./dom.js"
import { ask, refusal, Told, words } from "./api.js"

const TITLES = {
  "great-wave": "The Great Wave", scream: "The Scream", shipwreck: "The Shipwreck", "starry-night": "The Starry Night", udnie: "Udnie",
}
const title = name => TITLES[name] ?? name.replaceAll("-", " ")

let photo = null // the File
let size = [0, 0]
let styles = []
let painting = null // AbortController of what is under way
let pace = 0 // milliseconds a pixel, as last seen
let serial = 0

const chosen = () => document.querySelector("#styles input:checked")?.value
const OF_PREVIEW = 640 * 480

function query(preview) {
  const first = chosen()
  const second = at("second").value
  const share = Number(at("mix").value)
  const asked = new URLSearchParams({ strength: at("strength").value, scale: at("scale").value })
  if (second && second !== first) asked.set("styles", `${first}=${(1 - share).toFixed(2)},${second}=${share.toFixed(2)}`)
  else asked.set("style", first)
  if (at("keep-colour").checked) asked.set("preserve_color", "true")
  if (preview) asked.set("preview", "true")
  return asked
}

async function paint(preview) {
  if (!photo || !chosen()) return
  painting?.abort()
  const mine = painting = new AbortController()
  const name = describe()
  const pixels = Math.min(size[0] * size[1], preview ? OF_PREVIEW : Infinity) || OF_PREVIEW
  const begin = performance.now()
  const ticking = watch(begin, pace * pixels)
  say(at("painting-told"), preview ? "" : "The full size is being painted.")
  at("save").hidden = at("full").hidden = true
  try {
    const answer = await ask(`/tasks/style?${query(preview)}`, { method: "POST", body: photo, signal: mine.signal })
    if (!answer.ok) throw await refusal(answer)
    const picture = await whole(answer, mine.signal)
    if (mine !== painting) return
    pace = (performance.now() - begin) / pixels
    await show(picture, name, preview, (performance.now() - begin) / 1000)
  } catch (error) {
    if (mine !== painting || error.name === "AbortError") return
    at("full").hidden = preview
    say(at("painting-told"), words(error))
  } finally {
    clearInterval(ticking)
    if (mine === painting) { painting = null; at("painting-busy").hidden = true }
  }
}

// The picture once all of it is there; how much has come is told.
async function whole(answer, signal) {
  const parts = []
  let bytes = 0
  const reader = answer.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value)
      bytes += value.length
      at("painting-seconds").dataset.come = `, ${Math.round(bytes / 1024).toLocaleString("en")} kB have come`
    }
  } catch (error) {
    if (signal.aborted) throw error
    throw new Told("the picture was cut short: see what the daemon says in its log")
  }
  return new Blob(parts, { type: answer.headers.get("content-type") })
}

function watch(begin, expected) {
  const bar = at("painting-progress")
  const told = at("painting-seconds")
  told.dataset.come = ""
  at("painting-busy").hidden = false
  const look = () => {
    const gone = performance.now() - begin
    const known = expected > 1500 && gone < expected
    if (known) { bar.max = expected; bar.value = gone } else bar.removeAttribute("value")
    told.textContent = (known ? `about ${seconds((expected - gone) / 1000)} left` : `${seconds(gone / 1000)}`) + told.dataset.come
  }
  look()
  return setInterval(look, 250)
}

async function show(picture, name, preview, took) {
  const image = at("after")
  const url = URL.createObjectURL(picture)
  if (image.src) URL.revokeObjectURL(image.src)
  image.src = url
  const save = at("save")
  const small = preview && (size[0] * size[1] > OF_PREVIEW || !size[0])
  save.hidden = small
  at("full").hidden = !small
  if (!small) {
    save.href = url
    const ending = { "image/png": "png", "image/webp": "webp", "image/tiff": "tif" }[picture.type] ?? "jpg"
    save.download = `${(photo.name || "photo").replace(/\.[^.]*$/, "")}-${chosen()}.${ending}`
  }
  try { await image.decode() } catch { throw new Told("this browser cannot show the picture; it can be saved all the same") }
  if (!size[0]) at("compare").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight)
  image.alt = `The photo like ${name}`
  image.hidden = at("split").hidden = false
  at("compare").classList.add("both")
  say(at("painting-told"), small
    ? `A small copy, ${image.naturalWidth} × ${image.naturalHeight}, in ${took.toFixed(1)} s. The photo ${size[0] ? `has ${size[0]} × ${size[1]}` : "is larger"}.`
    : `${image.naturalWidth} × ${image.naturalHeight}, in ${took.toFixed(1)} s.`)
}

function describe() {
  const second = at("second").value
  return second && second !== chosen() ? `${title(chosen())} and ${title(second)}` : title(chosen())
}

async function take(file) {
  const mine = ++serial
  const image = at("before")
  const url = URL.createObjectURL(file)
  if (image.src) URL.revokeObjectURL(image.src)
  image.src = url
  try {
    await image.decode()
    size = [image.naturalWidth, image.naturalHeight]
  } catch { size = [0, 0] } // as HEIC is to most browsers: the daemon may still read it
  if (mine !== serial) return
  photo = file
  pace = 0
  at("drop").hidden = true
  at("compare").hidden = at("painting-actions").hidden = false
  at("compare").classList.remove("both")
  at("after").hidden = at("split").hidden = at("save").hidden = at("full").hidden = true
  at("compare").style.setProperty("--ratio", size[0] / size[1] || 1.5)
  await paint(true)
}

const again = debounced(0.35, () => paint(true))

function split() {
  at("compare").style.setProperty("--split", `${at("split").value}%`)
}

function control() {
  say(at("strength-value"), `${Math.round(100 * at("strength").value)} %`)
  const mixes = Boolean(at("second").value) && at("second").value !== chosen()
  at("mix").hidden = at("mix-value").hidden = !mixes
  say(at("mix-value"), `${Math.round(100 * at("mix").value)} %`)
}

function offer(names) {
  if (names.join() === styles.join()) return
  const before = chosen()
  styles = names
  at("styles").replaceChildren(...names.map((name, i) => {
    const radio = h("input", { type: "radio", name: "style", value: name, ...(name === before || (!before && i === 0) ? { checked: true } : {}) })
    const picture = h("img", { src: `/page/style-${encodeURIComponent(name)}.webp`, alt: "", width: 96, height: 96 })
    const known = name in TITLES
    return h("label", { class: "style" }, radio, known ? picture : h("span", { class: "nopicture", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase()), h("span", {}, title(name)))
  }))
  const second = at("second")
  const was = second.value
  second.replaceChildren(new Option("nothing", ""), ...names.map(name => new Option(title(name), name)))
  second.value = names.includes(was) ? was : ""
  control()
}

export const paintingSection = {
  start() {
    at("photo").onchange = event => {
      const [file] = event.target.files
      event.target.value = ""
      if (file) take(file)
    }
    takesFiles(at("easel"), take, file => file.type.startsWith("image/"))
    for (const id of ["strength", "mix", "second", "scale", "keep-colour", "styles"])
      at(id).addEventListener("input", () => { control(); if (photo) again() })
    at("split").oninput = split
    at("full").onclick = () => paint(false)
    at("painting-stop").onclick = () => {
      painting?.abort()
      painting = null
      at("painting-busy").hidden = true
      at("full").hidden = false
      say(at("painting-told"), "Stopped.")
    }
    split()
    control()
  },
  status({ models }) {
    const model = models.style
    const ready = model?.state === "ready"
    at("painting-none").hidden = ready
    at("painting-all").hidden = !ready
    if (ready) offer(model.styles)
    else say(at("painting-none"), model ? `The model style is ${model.state}${model.reason ? `: ${model.reason}` : ""}.` : "There is no model style on this machine.")
  },
}
