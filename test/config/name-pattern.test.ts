import { execFileSync } from 'node:child_process'
import t from 'tap'
import { parseNamePattern, readName } from '../../src/config/name-pattern.js'

const patterns = [
  ...['eth{1..12}', 'eth{8..11}', 'eth0.{53..55}', 'eth{0..3}', 'eth[0-9]', 'eth{1,12}', '*.53', '*', '?'],
  ...[
    'eth{01..03}',
    'eth{1..9..4}',
    'eth{9..1..-4}',
    '{a..e}0',
    '{e..a}0',
    'eth{1,{10..12}}',
    '{eth,wlan}{0,1}',
  ],
  ...['eth{a}', 'eth{}', 'eth{1..', 'eth{1,2', '{{a,b}', '{a,b}}', 'eth{0x1..3}', 'eth{1..b}', 'eth{-1..1}'],
  ...[
    '[[:digit:]]*',
    '*[![:digit:]]',
    '[]a]*',
    '[!]a]',
    '[^e]*',
    'e[a-z]h*',
    '[a\\-z]',
    '[\\]]',
    '\\*',
    'a\\?b',
  ],
  ...[
    'eth',
    'eth0',
    'veth*',
    '*eth*',
    '.*',
    '**',
    'e*h?',
    '[[:upper:]]*',
    '[[:punct:]]*',
    'x[.]y',
    'a\\{1,2\\}',
  ],
  ...['{1..3}', '{a,b*}', 'eth{,.5}', '{eth0}', 'a]', '[0-9][0-9]', '{ü,ö}0', '[ü]*', '??0'],
]
const names = [
  ...Array.from({ length: 13 }, (_, index) => `eth${index}`),
  ...[
    'eth0.53',
    'eth0.54',
    'eth0.55',
    'eth0.56',
    'eth01',
    'eth02',
    'eth',
    'veth1',
    'wlan0',
    'wlan1',
    'eth1.5',
  ],
  ...[
    '.hidden',
    'a',
    'b',
    'ab',
    'a0',
    'e0',
    'c0',
    '1',
    '2',
    '3',
    ']',
    '-',
    '*',
    'a?b',
    'axb',
    'a]',
    'x.y',
    'xy',
  ],
  ...[
    'eth{a}',
    'eth{}',
    'eth{1..',
    'eth{1,2',
    '{a',
    '{b',
    'a}',
    'b}',
    '{eth0}',
    'a{1,2}',
    'Eth',
    '!x',
    'ü0',
    'ö0',
  ],
  ...['eth{0x1..3}', 'eth{1..b}', 'eth-1', 'bond0', 'b*', '{1..3}'],
]

/** What bash says of every name and pattern, by rows of 0 and 1. */
function askBash(): string[] {
  const quote = (text: string) => `'${text}'`
  // Quote removal takes backslashes away, which the pattern needs: what is escaped stays so by three more.
  const word = (pattern: string) => pattern.replace(/\\(.)/g, '\\\\\\$1')
  const script = [
    'set -f; row() { local n w r; for n in "${names[@]}"; do r=0',
    'for w in "$@"; do [[ $n == $w ]] && r=1; done; printf %s $r; done; echo; }',
    `names=(${names.map(quote).join(' ')})`,
    ...patterns.map((pattern) => `row ${word(pattern)}`),
    'exit 0',
  ]
  const env = { ...process.env, LC_ALL: 'C.UTF-8' }
  return execFileSync('bash', ['-c', script.join('\n')], { encoding: 'utf8', env })
    .trim()
    .split('\n')
}

t.test('every pattern matches what bash matches', async (t) => {
  const rows = askBash()
  t.equal(rows.length, patterns.length)
  patterns.forEach((pattern, index) => {
    const { matches } = parseNamePattern(pattern)
    const found = names.filter(matches)
    t.same(
      found,
      names.filter((_, at) => rows[index]?.[at] === '1'),
      pattern,
    )
  })
})

t.test('the reported ones', async (t) => {
  const found = (pattern: string) => names.filter(parseNamePattern(pattern).matches)
  t.same(found('eth{8..11}'), ['eth8', 'eth9', 'eth10', 'eth11'])
  t.same(found('eth0.{53..55}'), ['eth0.53', 'eth0.54', 'eth0.55'])
  t.ok(found('*').includes('.hidden'), 'there is no rule about dots')
})

t.test('names and patterns are told apart', async (t) => {
  const name = (text: string) => parseNamePattern(text).name
  t.equal(name('eth0'), 'eth0')
  t.equal(name('eth\\*'), 'eth*')
  t.equal(name('eth{1}'), 'eth{1}')
  for (const pattern of ['eth*', 'eth?', 'eth[0]', 'eth{0,1}']) t.equal(name(pattern), undefined, pattern)
})

t.test('bytes as names are shown', async (t) => {
  t.equal(parseNamePattern('x\\xe8').name, readName('x\\xe8'))
  t.not(readName('x\\xe8'), readName('x\\xe9'))
  t.ok(parseNamePattern('x?').matches(readName('x\\xe8')), 'one byte is one character')
  t.notOk(parseNamePattern('x??').matches(readName('x\\xe8')))
  t.ok(parseNamePattern('x[\\xe0-\\xef]').matches(readName('x\\xe8')))
  t.notOk(parseNamePattern('x[\\xe0-\\xe7]').matches(readName('x\\xe8')))
  t.ok(parseNamePattern('x\\x5cx41').matches(readName('x\\x5cx41')))
  t.notOk(parseNamePattern('xA').matches(readName('x\\x5cx41')))
})

t.test('what is not known is refused', async (t) => {
  for (const [pattern, message] of [
    ['!veth*', /does not negate: use --interface.exclude/],
    ['@(a|b)', /the pattern @\(…\) is not known: write \{a,b\}/],
    ['+(a)', /the pattern \+\(…\) is not known/],
    ['eth[0', /\[ is not closed/],
    ['[[:digits:]]', /there is no class '\[:digits:\]': use alnum/],
    ['[[=a=]]', /\[=…=\] is not known/],
    ['[z-a]', /the range z-a is empty/],
    ['eth\\', /ends with a backslash/],
    ['eth{1..99999}', /more than 4096 names/],
    ['{1..99}{1..99}', /more than 4096 names/],
    ['{A..z}', /write two sequences/],
  ] as const) {
    t.throws(() => parseNamePattern(pattern), { message }, pattern)
  }
})
