import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Shape } from './frame.js'

/** A key as Node names it, such as `pagedown`, or what it writes. */
export interface Key {
  readonly name: string
  readonly text: string
}

/** Control sequences of ECMA-48 and xterm. */
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[K'
const clearBelow = '\x1b[J'

/** A terminal's second screen, until it is closed; then the first is as it was. */
export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #onKey: (
    text: string | undefined,
    key: { name?: string; ctrl?: boolean; sequence?: string },
  ) => void
  readonly #onResize: () => void

  /**
   * @param pressed gets every key; ctrl+c is `interrupt`
   * @param resized is called when there is more or less room
   */
  constructor(input: ReadStream, output: WriteStream, pressed: (key: Key) => void, resized: () => void) {
    this.#input = input
    this.#output = output
    this.#onResize = resized
    this.#onKey = (text, { name = '', ctrl = false }) =>
      pressed(ctrl && name === 'c' ? { name: 'interrupt', text: '' } : { name, text: text ?? '' })
    output.write(enter)
    emitKeypressEvents(input)
    input.setRawMode(true)
    input.on('keypress', this.#onKey)
    output.on('resize', this.#onResize)
  }

  get shape(): Shape {
    const { columns, rows } = this.#output
    const { NO_COLOR, TERM } = process.env
    return { columns, rows, colours: (NO_COLOR ?? '') === '' && TERM !== 'dumb' }
  }

  /** Puts lines in place of those that are there, in one write, so that nothing flickers. */
  show(lines: readonly string[]): void {
    const shown = lines.slice(0, this.#output.rows)
    this.#output.write(home + shown.map((line) => line + clearLine).join('\r\n') + clearBelow)
  }

  close(): void {
    this.#input.off('keypress', this.#onKey)
    this.#output.off('resize', this.#onResize)
    this.#input.setRawMode(false)
    this.#input.pause()
    this.#output.write(leave)
  }
}
