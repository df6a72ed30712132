// Elements made and found. Text stays text: nothing here makes markup of a string.

export const at = id => document.getElementById(id)

// h("p", {class: "fine", onclick: f}, "text", element, ...)
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children)
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children)
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value)
    else if (value === true) element.setAttribute(key, "")
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value)
  }
  element.append(...children.filter(child => child !== null && child !== undefined))
  return element
}

// Writes only what is new, so that screen readers are not told the same again.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

// Options by name; what was chosen stays chosen. True where they changed.
export function choices(select, names, chosen = select.value) {
  if ([...select.options].map(one => one.value).join("\n") === names.join("\n")) return false
  select.replaceChildren(...names.map(name => new Option(name)))
  if (names.includes(chosen)) select.value = chosen
  return true
}

// A file dropped on an element, or pasted while it is shown, and what it looks like meanwhile.
export function takesFiles(element, take, pasted = null) {
  let depth = 0
  const over = by => {
    depth = Math.max(0, depth + by)
    element.classList.toggle("over", depth > 0)
  }
  const carries = event => [...(event.dataTransfer?.types ?? [])].includes("Files")
  element.addEventListener("dragenter", event => carries(event) && over(1))
  element.addEventListener("dragleave", event => carries(event) && over(-1))
  element.addEventListener("dragover", event => carries(event) && event.preventDefault())
  element.addEventListener("drop", event => {
    const file = event.dataTransfer.files[0]
    over(-depth)
    if (!file) return
    event.preventDefault()
    take(file)
  })
  if (pasted)
    addEventListener("paste", event => {
      const file = [...event.clipboardData.files].find(pasted)
      if (!file || element.closest("section").hidden) return
      event.preventDefault()
      take(file)
    })
}

export function debounced(seconds, act) {
  let timer = 0
  return () => {
    clearTimeout(timer)
    timer = setTimeout(act, 1000 * seconds)
  }
}

export const percent = share => {
  const value = 100 * share
  return `${value >= 99.95 || value < 0.05 ? Math.round(value) : value.toFixed(1)} %`
}

export function seconds(count) {
  if (count === null || count === undefined) return "–"
  if (count < 90) return `${Math.round(count)} s`
  if (count < 5400) return `${Math.round(count / 60)} min`
  if (count < 48 * 3600) return `${Math.round(count / 3600)} h`
  return `${Math.round(count / 86400)} days`
}

export function milliseconds(value) {
  return value < 10 ? `${value.toPrecision(2)} ms` : value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`
}
