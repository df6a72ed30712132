// Paper to draw on, with finger, mouse, pen or keyboard.

const SIDE = 560
const PEN = 44
const STEP = 14

export class Pad {
  // changed() is called at each change of what is on it.
  constructor(canvas, changed) {
    this.canvas = canvas
    this.changed = changed
    this.strokes = []
    this.photo = null // ImageBitmap shown instead of strokes
    this.boxes = []
    this.cursor = [SIDE / 2, SIDE / 4]
    this.down = false // the keyboard's pen
    this.pointers = new Map()
    canvas.addEventListener("pointerdown", event => this.#begin(event))
    canvas.addEventListener("pointermove", event => this.#move(event))
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, event => this.pointers.delete(event.pointerId))
    canvas.addEventListener("keydown", event => this.#key(event))
    for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, () => this.draw())
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw())
  }

  get empty() { return !this.strokes.length && !this.photo }

  clear() {
    this.strokes = []
    this.photo = null
    this.pointers.clear()
    this.down = false
    this.#change()
  }

  undo() {
    if (this.photo) this.photo = null
    else this.strokes.pop()
    this.down = false
    this.#change()
  }

  show(photo) {
    this.strokes = []
    this.photo = photo
    this.#change()
  }

  // Where the digits are, in parts of the picture.
  mark(boxes) {
    this.boxes = boxes
    this.draw()
  }

  // What is drawn, black on white, as a PNG.
  picture(side = 140) {
    const canvas = document.createElement("canvas")
    canvas.width = canvas.height = side
    const brush = canvas.getContext("2d")
    brush.fillStyle = "#fff"
    brush.fillRect(0, 0, side, side)
    brush.scale(side / SIDE, side / SIDE)
    this.#strokes(brush, "#000")
    return new Promise(done => canvas.toBlob(done, "image/png"))
  }

  draw() {
    const brush = this.canvas.getContext("2d")
    const style = getComputedStyle(this.canvas)
    const ink = style.color
    brush.clearRect(0, 0, SIDE, SIDE)
    const [left, top, width, height] = this.#frame()
    if (this.photo) brush.drawImage(this.photo, left, top, width, height)
    else this.#strokes(brush, ink)
    brush.strokeStyle = style.getPropertyValue("--accent")
    brush.lineWidth = 3
    for (const [a, b, c, d] of this.boxes) {
      brush.strokeRect(left + a * width - 8, top + b * height - 8, (c - a) * width + 16, (d - b) * height + 16)
    }
    if (document.activeElement === this.canvas && this.canvas.matches(":focus-visible")) {
      brush.beginPath()
      brush.arc(...this.cursor, PEN / 2, 0, 7)
      brush.lineWidth = 4
      if (this.down) { brush.fillStyle = brush.strokeStyle; brush.fill() }
      brush.stroke()
    }
  }

  #frame() {
    if (!this.photo) return [0, 0, SIDE, SIDE]
    const by = Math.min(SIDE / this.photo.width, SIDE / this.photo.height)
    const [width, height] = [this.photo.width * by, this.photo.height * by]
    return [(SIDE - width) / 2, (SIDE - height) / 2, width, height]
  }

  #strokes(brush, ink) {
    brush.strokeStyle = brush.fillStyle = ink
    brush.lineWidth = PEN
    brush.lineCap = brush.lineJoin = "round"
    for (const [first, ...others] of this.strokes) {
      brush.beginPath()
      brush.moveTo(...first)
      // Through the middles of its parts, so that corners of a quick hand are round.
      let before = first
      for (const point of others) {
        brush.quadraticCurveTo(...before, (before[0] + point[0]) / 2, (before[1] + point[1]) / 2)
        before = point
      }
      brush.lineTo(...before)
      brush.stroke()
    }
  }

  #begin(event) {
    if (event.button !== 0) return
    if (event.pointerType === "mouse") event.preventDefault() // keeps the keyboard's ring away
    this.photo = null
    this.down = false
    try { this.canvas.setPointerCapture(event.pointerId) } catch {} // a pointer that is gone again
    const stroke = [this.#at(event)]
    this.pointers.set(event.pointerId, stroke)
    this.strokes.push(stroke)
    this.#change()
  }

  #move(event) {
    const stroke = this.pointers.get(event.pointerId)
    if (!stroke) return
    const all = event.getCoalescedEvents?.() ?? []
    for (const one of all.length ? all : [event]) stroke.push(this.#at(one))
    this.#change()
  }

  #at(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect()
    return [((event.clientX - left) / width) * SIDE, ((event.clientY - top) / height) * SIDE]
  }

  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (by) {
      const step = event.shiftKey ? 4 * STEP : STEP
      this.cursor = this.cursor.map((value, i) => Math.min(SIDE - PEN / 2, Math.max(PEN / 2, value + step * by[i])))
      if (this.down) {
        this.strokes.at(-1).push([...this.cursor])
        this.#change()
      } else this.draw()
    } else if (event.key === " " || event.key === "Enter") {
      this.photo = null
      this.down = !this.down
      if (this.down) this.strokes.push([[...this.cursor]])
      this.#change()
    } else if (event.key === "Backspace") this.undo()
    else if (event.key === "Delete") this.clear()
    else return
    event.preventDefault()
  }

  #change() {
    this.boxes = []
    this.draw()
    this.changed()
  }
}
