/** More words than any host has interfaces. */
const maxWords = 4096

/**
 * Expands braces as bash does it in a word: `a{b,c}`, `{1..12}`, `{01..12..2}`, `{a..e}`, one within another.
 * What is no such expression stays as it is.
 *
 * @throws Error where it makes too many words
 */
export function expandBraces(text: string): string[] {
  const found = findBraces(text)
  if (!found) return [text]
  const { start, end, parts } = found
  const head = text.slice(0, start)
  const tails = expandBraces(text.slice(end + 1))
  const inner = parts.length > 1 ? parts.flatMap(expandBraces) : (sequence(parts[0] ?? '') ?? unreachable())
  if (inner.length * tails.length > maxWords)
    throw new Error(`'${text}' stands for more than ${maxWords} names: use *, ? or […]`)
  return inner.flatMap((middle) => tails.map((tail) => head + middle + tail))
}

const unreachable = (): never => {
  throw new Error('findBraces() found a sequence')
}

/** The first braces that hold a list or a sequence, and what is between their commas. */
function findBraces(text: string): { start: number; end: number; parts: string[] } | undefined {
  for (let start = nextBrace(text, 0); start >= 0; start = nextBrace(text, start + 1)) {
    const parts = split(text, start)
    if (!parts) continue
    if (parts.length > 1 || sequence(parts[0] ?? ''))
      return { start, end: start + parts.join(',').length + 1, parts }
  }
  return undefined
}

function nextBrace(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '{') return at
  }
  return -1
}

/** What lies between the commas of the braces that begin here; undefined: they do not end. */
function split(text: string, start: number): string[] | undefined {
  const parts: string[] = []
  let depth = 0
  let begin = start + 1
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at++
    else if (character === '{') depth++
    else if (character === '}' && --depth === 0) return [...parts, text.slice(begin, at)]
    else if (character === ',' && depth === 1) {
      parts.push(text.slice(begin, at))
      begin = at + 1
    }
  }
  return undefined
}

/** `1..12`, `12..1..3`, `a..e`; undefined: it is none. */
function sequence(text: string): string[] | undefined {
  const [, first = '', last = '', stepText = '1'] =
    /^([-+]?\d{1,15}|[a-zA-Z])\.\.([-+]?\d{1,15}|[a-zA-Z])(?:\.\.([-+]?\d{1,15}))?$/.exec(text) ?? []
  const letters = [first, last].filter((end) => /^[a-zA-Z]$/.test(end)).length
  if (first === '' || letters === 1) return undefined
  if (letters === 2 && /[a-z]/.test(first) !== /[a-z]/.test(last))
    throw new Error(`'{${text}}' has more than letters between its ends: write two sequences`)
  const [from, to] = letters === 2 ? [first.charCodeAt(0), last.charCodeAt(0)] : [Number(first), Number(last)]
  const step = Math.abs(Number(stepText)) || 1
  const count = Math.floor(Math.abs(to - from) / step) + 1
  if (count > maxWords) throw new Error(`'{${text}}' stands for more than ${maxWords} names: use *, ? or […]`)
  const numbers = Array.from({ length: count }, (_, index) => from + (to >= from ? index : -index) * step)
  if (letters === 2) return numbers.map((code) => String.fromCharCode(code))
  const padded = [first, last].some((end) => /^[-+]?0\d/.test(end))
  const width = padded ? Math.max(first.length, last.length) : 0
  return numbers.map((number) =>
    number < 0 ? `-${String(-number).padStart(width - 1, '0')}` : String(number).padStart(width, '0'),
  )
}
