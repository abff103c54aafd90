import t from 'tap'
import { nameService } from '../../src/services/service-name.js'
import { showName } from '../../src/services/shown-name.js'

const nothing = { containerName: () => undefined, podName: () => undefined }

/** One character a byte. */
const bytes = (text: string) => Buffer.from(text).toString('latin1')

t.test('what is UTF-8 and no control character is shown as it is', (t) => {
  for (const name of ['nginx.service', 'a b"c\\d', 'tatü', '東京', '😀', 'a\\x2db', '\\x41', '\\xg1', ''])
    t.equal(showName(bytes(name)), name, name)
  t.end()
})

t.test('each byte else is', (t) => {
  const shown = {
    '\n': '\\x0a',
    '\x1b[31m': '\\x1b[31m',
    '\x7f': '\\x7f',
    '\xff\xfe': '\\xff\\xfe',
    '\xc2\x9b': '\\xc2\\x9b',
    '\xc3': '\\xc3',
    '\xed\xa0\x80': '\\xed\\xa0\\x80',
    '\xf4\x90\x80\x80': '\\xf4\\x90\\x80\\x80',
    '\xc0\xaf': '\\xc0\\xaf',
    // What would look like one of these.
    '\\x0a': '\\x5cx0a',
    '\\xff': '\\x5cxff',
    '\\x5c': '\\x5cx5c',
    '\\x5cx0a': '\\x5cx5cx0a',
  }
  for (const [name, expected] of Object.entries(shown)) t.equal(showName(name), expected)
  t.end()
})

t.test('one to one: what is shown can be read back', (t) => {
  const read = (shown: string) =>
    bytes(shown).replace(/\\x([01][0-9a-f]|7f|5c|[89a-f][0-9a-f])/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    )
  const parts = ['\\', 'x', '\\x', '0a', '5c', '2d', '\n', '\xff', '\xc3', '\xbc']
  const pairs = parts.flatMap((first) => parts.map((second) => first + second))
  const names = pairs.flatMap((first) => pairs.map((second) => first + second))
  t.equal(names.length, 10_000)
  t.same(
    names.filter((name) => read(showName(name)) !== name),
    [],
  )
  t.end()
})

t.test('long names are short, and two stay two', (t) => {
  const deep = '/plain'.repeat(600)
  const [one, other] = ['1', '2'].map((last) => nameService(`${deep}/${last}`, nothing).service)
  t.match(one, /^(?:\/plain)+\/pla~[0-9a-f]{16}$/)
  t.not(one, other)
  t.match(showName('\xff'.repeat(4096)), /^(?:\\xff){64}~[0-9a-f]{16}$/, 'no escape is cut')
  t.match(showName(bytes('😀'.repeat(512))), /^(?:😀){64}~[0-9a-f]{16}$/u, 'nor a character')
  t.not(showName(showName(deep)), showName(deep), 'nobody has the name that a long one gets')
  t.end()
})
