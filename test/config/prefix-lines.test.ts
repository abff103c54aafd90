import t from 'tap'
import { joinPrefixLines } from '../../src/config/prefix-lines.js'

t.test('neighbouring prefixes of a list become one value, and lines are found again', async (t) => {
  const { text, lineBefore } = joinPrefixLines(
    [
      'destinations.exclude:',
      '  - 192.0.2.0/24',
      '  - 198.51.100.7',
      '  - 2001:db8::/32',
      '  - ::1',
      '  - private',
      '  - ::/0',
      '  - ::ffff:192.0.2.1/128',
      'interface: eth0',
    ].join('\n'),
  )
  t.same(text.split('\n'), [
    'destinations.exclude:',
    '  - 192.0.2.0/24,198.51.100.7,2001:db8::/32,::1',
    '  - private',
    '  - ::/0,::ffff:192.0.2.1/128',
    'interface: eth0',
  ])
  t.same([1, 2, 3, 4, 5].map(lineBefore), [1, 2, 6, 7, 9])
})

t.test('what YAML reads in a way of its own stays as it is', async (t) => {
  const words = [
    '2001:db8::',
    "'10.0.0.0/8'",
    '10.0.0.0/8 # office',
    '1.5',
    '12',
    '10.0.0.0/8:',
    '&a 10.0.0.0/8',
    '',
  ]
  const text = words.map((word) => `- ${word}`).join('\n')
  t.equal(joinPrefixLines(text).text, text)
  const nested = '- 10.0.0.0/8\n  - 10.0.0.0/8\n-  10.0.0.0/8'
  t.equal(joinPrefixLines(nested).text, nested, 'of other indentation')
  t.equal(joinPrefixLines('').text, '')
})
