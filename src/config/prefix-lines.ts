/** An address or prefix that YAML takes for a string, and for nothing else, without quotes. */
const word = /^(?:(?:\d+\.){3}\d+(?:\/\d+)?|[\da-f:]*:[\da-f:.]*(?:[\da-f]|\/\d+))$/i

/** A text of fewer lines. */
export interface Joined {
  readonly text: string
  /** The number that a line had before, from 1 on. */
  readonly lineBefore: (line: number) => number
}

/**
 * Joins neighbouring lines of a YAML list that are prefixes to one value, `- A,B,C`, which options take
 * as well: the parser needs 10 us for each value, and lists may have a hundred thousand.
 */
export function joinPrefixLines(text: string): Joined {
  const lines: string[] = []
  const numbers: number[] = []
  let dash = ''
  let run: string[] = []
  const end = () => {
    if (run.length > 0) lines.push(dash + run.join())
    run = []
  }
  text.split('\n').forEach((line, index) => {
    if (run.length > 0 && line.startsWith(dash)) {
      const next = line.slice(dash.length)
      if (word.test(next)) {
        run.push(next)
        return
      }
    }
    end()
    numbers.push(index + 1)
    const [found] = /^ *- +/.exec(line) ?? []
    if (found !== undefined && word.test(line.slice(found.length))) {
      dash = found
      run = [line.slice(found.length)]
    } else {
      lines.push(line)
    }
  })
  end()
  return { text: lines.join('\n'), lineBefore: (line) => numbers[line - 1] ?? line }
}
