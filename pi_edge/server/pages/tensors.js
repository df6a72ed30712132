// Any model by its tensors: the form is made from what the model says of itself.
import { at, choices, h, milliseconds, say } from "./dom.js"
import { askJson, postJson, Told, words } from "./api.js"

const LARGEST = 200_000 // numbers that a browser sends as text with good grace
const SHOWN = 64 // of an output, the rest when asked for

let metadata = null
let fields = []
let models = {}

async function choose() {
  const name = at("tensor-model").value
  if (!name) return
  choices(at("tensor-variant"), Object.keys(models[name].variants), models[name].default)
  await form()
}

async function form() {
  const name = at("tensor-model").value
  const version = at("tensor-variant").value
  try {
    metadata = await askJson(`/v2/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`)
    fields = metadata.inputs.map(field)
    at("tensor-inputs").replaceChildren(...fields.map(one => one.element))
    at("tensor-outputs").replaceChildren(h("p", { class: "empty" }, `It answers with ${metadata.outputs.map(signature).join(", ")}.`))
    say(at("tensor-told"), "")
  } catch (error) {
    fields = []
    at("tensor-inputs").replaceChildren()
    say(at("tensor-told"), words(error))
  }
}

const signature = tensor => `${tensor.name} ${tensor.datatype} [${tensor.shape.join(", ")}]`

function field(tensor) {
  const id = `tensor-${tensor.name}`
  const text = h("textarea", { id, rows: 4, spellcheck: "false", autocomplete: "off" })
  const sizes = tensor.shape.map((size, i) => h("input", {
    type: "number", min: 0, value: size < 0 ? 1 : size, ...(size < 0 ? {} : { readonly: true }),
    "aria-label": `Size ${i + 1} of ${tensor.name}`,
  }))
  const shape = () => sizes.map(one => Number(one.value))
  const count = () => shape().reduce((product, size) => product * size, 1)
  const told = h("span", { class: "fine number" })
  const tell = () => say(told, `${parse(text.value, tensor.datatype).length} of ${count()} values`)
  const fillWith = make => () => {
    if (count() > LARGEST) { say(told, `${count().toLocaleString("en")} values are too many to type: send them as binary`); return }
    text.value = Array.from({ length: count() }, make).join(" ")
    tell()
  }
  const isText = tensor.datatype === "BYTES"
  const isWhole = /INT/.test(tensor.datatype)
  const random = isText ? (_, i) => JSON.stringify(`text ${i + 1}`) : tensor.datatype === "BOOL"
    ? () => String(Math.random() < 0.5) : isWhole ? () => Math.floor(100 * Math.random()) : () => Number(Math.random().toFixed(3))
  text.addEventListener("input", tell)
  for (const one of sizes) one.addEventListener("input", tell)
  const element = h("fieldset", { class: "tensor" },
    h("legend", {}, h("b", {}, tensor.name), ` ${tensor.datatype}`),
    sizes.length ? h("div", { class: "row sizes" }, h("span", { class: "label" }, "Shape"), ...sizes.flatMap((one, i) => i ? ["×", one] : [one])) : null,
    h("label", { for: id }, isText ? "Values, each in double quotes" : "Values, by space or comma"), text,
    h("div", { class: "row" },
      h("button", { type: "button", onclick: fillWith(isText ? () => '""' : tensor.datatype === "BOOL" ? () => "false" : () => 0) }, "Zeros"),
      h("button", { type: "button", onclick: fillWith(random) }, "Random"), told))
  tell()
  return { tensor, element, text, shape, count }
}

function parse(text, datatype) {
  if (datatype === "BYTES") return [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([one]) => one)
  return text.split(/[\s,;[\]]+/).filter(Boolean)
}

function values({ tensor, text, shape, count }) {
  const found = parse(text.value, tensor.datatype)
  if (found.length !== count())
    throw new Told(`${tensor.name} takes ${count()} values for the shape [${shape().join(", ")}], and there are ${found.length}`)
  if (tensor.datatype === "BYTES") {
    try { return found.map(one => JSON.parse(one)) } catch { throw new Told(`${tensor.name}: a text is no JSON string`) }
  }
  if (tensor.datatype === "BOOL") return found.map(one => /^(true|1)$/i.test(one))
  return found.map(one => {
    const number = Number(one)
    if (!Number.isFinite(number)) throw new Told(`${tensor.name}: “${one.slice(0, 40)}” is no number`)
    return number
  })
}

async function run() {
  if (!metadata) return
  try {
    const inputs = fields.map(one => ({ name: one.tensor.name, datatype: one.tensor.datatype, shape: one.shape(), data: values(one) }))
    const path = `/v2/models/${encodeURIComponent(at("tensor-model").value)}/versions/${encodeURIComponent(at("tensor-variant").value)}/infer`
    const begin = performance.now()
    const answer = await askJson(path, postJson({ inputs }))
    say(at("tensor-told"), `${milliseconds(performance.now() - begin)}, there and back`)
    at("tensor-outputs").replaceChildren(...answer.outputs.map(output))
  } catch (error) { say(at("tensor-told"), words(error)) }
}

const readable = value => value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : Number(value.toPrecision(6)).toString()

function output(tensor) {
  const shown = tensor.data.slice(0, SHOWN)
  const number = typeof shown[0] === "number"
  const most = number ? Math.max(...shown.map(Math.abs)) || 1 : 1
  const row = (value, i) => {
    const bar = h("i")
    if (number) bar.style.setProperty("--share", Math.abs(value) / most)
    return h("li", { class: value < 0 ? "minus" : "" }, h("b", {}, String(i)), ...(number && shown.length > 1 ? [h("span", { class: "track" }, bar)] : []),
      h("span", { class: "number" }, number ? readable(value) : JSON.stringify(value)))
  }
  return h("div", { class: "output" },
    h("h4", {}, signature(tensor)),
    h("ol", { class: "bars values" }, ...shown.map(row)),
    tensor.data.length > SHOWN ? h("p", { class: "fine" }, `and ${(tensor.data.length - SHOWN).toLocaleString("en")} more`) : null)
}

export const tensors = {
  start() {
    at("tensor-model").onchange = choose
    at("tensor-variant").onchange = form
    at("tensor-form").onsubmit = event => { event.preventDefault(); run() }
  },
  shown() { if (!metadata) choose() },
  status(status, isShown) {
    models = status.models
    const ready = Object.keys(models).filter(name => models[name].state === "ready")
    const before = at("tensor-model").value
    choices(at("tensor-model"), ready)
    if (isShown && (at("tensor-model").value !== before || !metadata)) choose()
  },
}
