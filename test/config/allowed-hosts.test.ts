import t from 'tap'
import { parseAllowedHosts } from '../../src/config/allowed-hosts.js'

t.test('names, repeated and listed', async (t) => {
  t.same(parseAllowedHosts([]), [])
  t.same(
    parseAllowedHosts(['Web1.Example.org, b', '*.example.net', 'xn--bcher-kva.example', 'my_app', '*']),
    [...['web1.example.org', 'b', '*.example.net', 'xn--bcher-kva.example', 'my_app', '*']],
  )
  t.same(parseAllowedHosts([`${'a'.repeat(63)}.example`]).length, 1)
})

t.test('what is none', async (t) => {
  for (const wrong of [
    ...[
      '',
      'a,',
      'web1:10191',
      'http://web1',
      'web1/',
      'a..b',
      '.example.org',
      'a.',
      '-a',
      'a-',
      'bücher.example',
    ],
    ...['*example.org', '*.', '**', 'a.*', '[::1]', '::1', 'a b', `${'a'.repeat(64)}.example`],
  ]) {
    t.throws(
      () => parseAllowedHosts([wrong]),
      { message: /^'.*' is not a host name: write one without/ },
      wrong,
    )
  }
})
