import { expandBraces } from './braces.js'

/** A name of an interface, or a pattern for names, as a shell has them. */
export interface NamePattern {
  /** The only name that it matches, as readName() gives it; undefined: it is no plain name. */
  readonly name: string | undefined
  /** Whether it matches a name that readName() gave. */
  matches(name: string): boolean
}

/**
 * Reads what bash would read in `[[ name == pattern ]]`, after it expanded braces as in any word: `*`,
 * `?`, `[a-z]`, `[!a-z]`, `[[:digit:]]`, `{a,b}`, `{1..12}`, and a backslash before what stands for itself.
 * `\\xHH` is a byte, as names are shown. Parts of a shell's language that have no use here are refused, and
 * so is what bash would take for itself because it makes no sense as a pattern.
 *
 * @throws Error saying what is not known, or not whole
 */
export function parseNamePattern(text: string): NamePattern {
  refuse(text)
  const words = expandBraces(text).map((word) => compile(word, text))
  const [only] = words
  const expression = new RegExp(`^(?:${words.map(({ source }) => source).join('|')})$`, 'su')
  return {
    name: words.length === 1 ? only?.literal : undefined,
    matches: (name) => expression.test(name),
  }
}

/** What bash knows and this does not, and what no shell takes for what it looks like. */
function refuse(text: string): void {
  const [, special] = /^(?:[^\\]|\\.)*?([?*+@!]\()/su.exec(text) ?? []
  if (special !== undefined)
    throw new Error(
      `'${text}': the pattern ${special}…) is not known: write ${text.includes('|') ? '{a,b}' : 'names or *, ?, […], {a,b}'}`,
    )
  if (text.startsWith('!'))
    throw new Error(
      `'${text}': a pattern does not negate: use --interface.exclude, or \\! for the character !`,
    )
  if (/(?:^|[^\\])(?:\\\\)*\\$/su.test(text)) throw new Error(`'${text}' ends with a backslash: write \\\\`)
}

interface Word {
  /** Of a regular expression. */
  readonly source: string
  /** The name that it stands for; undefined: it has wildcards. */
  readonly literal: string | undefined
}

/** One word after expansion. */
function compile(word: string, text: string): Word {
  let source = ''
  let literal: string | undefined = ''
  const token = /\\x([0-9a-f]{2})|\\(.)|([*?])|\[([!^]?)(\]?(?:\[:\w*:\]|\\.|[^\]\\])*)(\]?)|(.)/gsu
  for (const [, hex, escaped, wild, not, set, closed, plain] of word.matchAll(token)) {
    if (wild !== undefined || set !== undefined) literal = undefined
    if (wild !== undefined) source += wild === '*' ? '.*' : '.'
    if (set !== undefined) {
      if (closed === '') throw new Error(`'${text}': [ is not closed: write \\[ for the character [`)
      source += `[${not === '' ? '' : '^'}${compileSet(set, text)}]`
    }
    const character = hex !== undefined ? fromByte(parseInt(hex, 16)) : (escaped ?? plain)
    if (character === undefined) continue
    source += quote(character)
    if (literal !== undefined) literal += character
  }
  return { source, literal }
}

/** Of POSIX, as in a UTF-8 locale; those of letters that have no case or are no digits differ by system. */
const classes: Readonly<Record<string, string>> = {
  alnum: '\\p{Alphabetic}\\p{Nd}',
  alpha: '\\p{Alphabetic}',
  digit: '0-9',
  lower: '\\p{Lowercase}',
  punct: '!-\\/:-@\\[-`\\{-~',
  upper: '\\p{Uppercase}',
  xdigit: '0-9A-Fa-f',
}

/** What stands between brackets. */
function compileSet(set: string, text: string): string {
  const token =
    /\[:(\w*):\]|\[([.=])|(?:\\x([0-9a-f]{2})|\\(.)|(.))(?:-(?:\\x([0-9a-f]{2})|\\(.)|(?!\[[:.=])(.)))?/gsu
  let source = ''
  for (const [all, name, other, ...ends] of set.matchAll(token)) {
    if (other !== undefined) throw new Error(`'${text}': [${other}…${other}] is not known`)
    if (name !== undefined) {
      const known = Object.hasOwn(classes, name) ? classes[name] : undefined
      if (known === undefined)
        throw new Error(`'${text}': there is no class '${all}': use ${Object.keys(classes).join(', ')}`)
      source += known
      continue
    }
    const [firstHex, ...first] = ends.slice(0, 3)
    const [lastHex, ...last] = ends.slice(3)
    const from = firstHex !== undefined ? fromByte(parseInt(firstHex, 16)) : (first[0] ?? first[1] ?? '')
    const to = lastHex !== undefined ? fromByte(parseInt(lastHex, 16)) : (last[0] ?? last[1])
    if (to !== undefined && (from.codePointAt(0) ?? 0) > (to.codePointAt(0) ?? 0))
      throw new Error(`'${text}': the range ${all} is empty`)
    source += to === undefined ? quote(from) : `${quote(from)}-${quote(to)}`
  }
  return source
}

/** A character by itself in a regular expression. */
const quote = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** A byte that is no UTF-8 as one code unit that no text has (as Python's surrogateescape does it). */
const fromByte = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)

/**
 * A name as it is compared: what native/interface_name.cc wrote as `\\xHH` is one character again. It wrote
 * control characters so, too, which are UTF-8.
 */
export function readName(shown: string): string {
  if (!shown.includes('\\')) return shown
  return shown
    .replace(/\\xc2\\x([89][0-9a-f])/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => fromByte(parseInt(hex, 16)))
}
