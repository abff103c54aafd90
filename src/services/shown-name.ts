import { createHash } from 'node:crypto'

/** Longer names are cut. A unit's has 255 characters at most (UNIT_NAME_MAX), a path 4,096 bytes. */
const maxLength = 512

const utf8 = (continuation: string) =>
  new RegExp(
    `[\\x00-\\x7f]|[\\xc2-\\xdf]${continuation}|\\xe0[\\xa0-\\xbf]${continuation}|[\\xe1-\\xec\\xee\\xef]${continuation}{2}` +
      `|\\xed[\\x80-\\x9f]${continuation}|\\xf0[\\x90-\\xbf]${continuation}{2}|[\\xf1-\\xf3]${continuation}{3}` +
      `|\\xf4[\\x80-\\x8f]${continuation}{2}|[^]`,
    'g',
  )

/** A character of UTF-8 (RFC 3629, section 4), or a byte that is none. */
const characters = utf8('[\\x80-\\xbf]')

/** C0, DEL, C1, and what is no character. */
const unshown = /^(?:[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|[\x80-\xff])$/ // eslint-disable-line no-control-regex

/** A backslash that would look like the beginning of what escape() wrote. */
const likeEscape = /\\(?=x(?:[01][0-9a-f]|7f|5c|[89a-f][0-9a-f]))/g

/**
 * A name as it is shown, one to one. The kernel takes nearly any byte in a cgroup's name, while labels and
 * JSON are UTF-8, and terminals obey control characters: of these and of what is no UTF-8 each byte becomes
 * `\xHH`, as in interfaces' names. Unlike there, systemd's own `\x2d` for a dash stays as it is, since no
 * other name is shown like that.
 *
 * @param bytes the name, one character (U+0000 to U+00FF) a byte
 */
export function showName(bytes: string): string {
  const shown = /^[ -[\]-~]*$/.test(bytes)
    ? bytes
    : bytes
        .replace(likeEscape, '\\x5c')
        .replace(characters, (found) =>
          unshown.test(found) ? escape(found) : Buffer.from(found, 'latin1').toString(),
        )
  return isShort(shown) ? shown : shorten(shown)
}

const escape = (bytes: string) =>
  bytes.replace(/[^]/g, (byte) => `\\x${Buffer.from(byte, 'latin1').toString('hex')}`)

/** What looks like a shortened name is none: it is shortened as well. */
const isShort = (shown: string) => shown.length <= maxLength && !/~[0-9a-f]{16}$/.test(shown)

/** Its beginning, and a hash of the whole, so that two long ones stay two. */
function shorten(shown: string): string {
  const [beginning = ''] = new RegExp(`^(?:\\\\x[0-9a-f]{2}|[^]){0,${maxLength / 8}}`, 'u').exec(shown) ?? []
  return `${beginning}~${createHash('sha256').update(shown).digest('hex').slice(0, 16)}`
}
