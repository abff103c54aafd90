import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { ca, pair, webConfigLab } from '../../support/web-config.js'

const { client, curl, file, openssl, serveWith } = webConfigLab(t)

t.test('versions, ciphers and curves, by OpenSSL', async (t) => {
  const all = 'DEFAULT@SECLEVEL=0'
  const cases: [what: string, yaml: string, flags: string[], got: RegExp][] = [
    ['the best there is', pair, [], /^TLSv1.3 TLS_AES/],
    ['1.2 by default', pair, ['-tls1_2'], /^TLSv1.2 ECDHE-ECDSA/],
    ['not 1.1 by default', pair, ['-tls1_1', '-cipher', all], /^refused$/],
    ['1.1 where it is wanted', `${pair}, min_version: TLS10`, ['-tls1_1', '-cipher', all], /^TLSv1/],
    ['1.0 where it is wanted', `${pair}, min_version: TLS10`, ['-tls1', '-cipher', all], /^TLSv1/],
    ['nothing below the least', `${pair}, min_version: TLS13`, ['-tls1_2'], /^refused$/],
    ['nothing above the most', `${pair}, max_version: TLS12`, ['-tls1_3'], /^refused$/],
    [
      'one cipher',
      `${pair}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]`,
      ['-tls1_2'],
      /^TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256$/,
    ],
    [
      'and no other',
      `${pair}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]`,
      ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
      /^refused$/,
    ],
    ['ciphers of 1.3 alone', `${pair}, cipher_suites: [TLS_AES_128_GCM_SHA256]`, ['-tls1_2'], /^refused$/],
    [
      "the server's order",
      `${pair}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]`,
      ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256'],
      /AES128-GCM/,
    ],
    [
      "the client's order",
      `${pair}, prefer_server_cipher_suites: false, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]`,
      ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256'],
      /AES256-GCM/,
    ],
    ['one curve', `${pair}, curve_preferences: [CurveP384]`, ['-groups', 'P-384'], /^TLSv1.3/],
    ['and no other', `${pair}, curve_preferences: [CurveP384]`, ['-groups', 'X25519'], /^refused$/],
    [
      'all curves',
      `${pair}, curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]`,
      ['-groups', 'P-521'],
      /^TLSv1.3/,
    ],
  ]
  for (const [what, yaml, flags, got] of cases) {
    const http1 = 'http_server_config: { http2: false }'
    const { url } = await serveWith(t, `{ ${http1}, tls_server_config: { ${yaml} } }`)
    t.match(await openssl(url, ...flags), got, what)
  }
  const { url } = await serveWith(
    t,
    `{ tls_server_config: { ${pair} }, http_server_config: { http2: false } }`,
  )
  t.match((await curl(url, '--http2')).text, /^HTTP\/1.1 200/, 'http2: false')
  const { curl: by } = await serveWith(t, `{ tls_server_config: { ${pair} } }`)
  t.match((await by('--http2')).text, /^HTTP\/2 200/)
})

t.test('without forward secrecy nothing is spoken, unless the file says so', async (t) => {
  // Where the key exchange is RSA's, the certificate has to be.
  const subject = ['-subj', '/CN=localhost', '-keyout', file('rsa.key'), '-out', file('rsa.crt')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], { stdio: 'ignore' })
  const rsa = 'cert_file: rsa.crt, key_file: rsa.key'
  const refused = /^refused$/
  const cases: [yaml: string, version: string, cipher: string, got: RegExp][] = [
    [rsa, 'tls1_2', 'ALL', /^TLSv1.2 ECDHE-RSA-AES/],
    [rsa, 'tls1_2', 'ECDHE-RSA-AES128-GCM-SHA256', /^TLSv1.2/],
    [rsa, 'tls1_2', 'ECDHE-RSA-AES256-GCM-SHA384', /^TLSv1.2/],
    [rsa, 'tls1_2', 'ECDHE-RSA-CHACHA20-POLY1305', /^TLSv1.2/],
    ...['AES128-SHA', 'AES256-SHA256', 'AES128-GCM-SHA256', 'AES256-CCM', 'DHE-RSA-AES128-GCM-SHA256'].map(
      (cipher): [string, string, string, RegExp] => [rsa, 'tls1_2', cipher, refused],
    ),
    // CBC with MAC-then-encrypt: not without a word in the file either.
    [rsa, 'tls1_2', 'ECDHE-RSA-AES128-SHA', refused],
    [rsa, 'tls1_2', 'ECDHE-RSA-AES256-SHA384', refused],
    [
      `${rsa}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]`,
      'tls1_2',
      'ECDHE-RSA-AES128-SHA',
      /^TLSv1/,
    ],
    [`${rsa}, min_version: TLS10`, 'tls1', 'ECDHE-RSA-AES128-SHA', /^TLSv1/],
    [`${rsa}, min_version: TLS10`, 'tls1', 'AES128-SHA', refused],
  ]
  const servers = new Map<string, string>()
  for (const [yaml, version, cipher, got] of cases) {
    const http1 = 'http_server_config: { http2: false }'
    const url = servers.get(yaml) ?? (await serveWith(t, `{ ${http1}, tls_server_config: { ${yaml} } }`)).url
    servers.set(yaml, url)
    t.match(await openssl(url, `-${version}`, '-cipher', `${cipher}:@SECLEVEL=0`), got, `${yaml} ${cipher}`)
  }
})

t.test('certificates are taken over as they change', async (t) => {
  const own = `cert_file: live.crt, key_file: live.key`
  const put = (name: string) => {
    for (const suffix of ['crt', 'key']) {
      writeFileSync(file(`live.${suffix}`), readFileSync(file(`${name}.${suffix}`)))
    }
  }
  put('server')
  const { path, url, curl, logged } = await serveWith(t, `tls_server_config: { ${own} }`)
  t.equal((await curl()).status, 200)
  put('stranger')
  t.equal((await curl()).status, 0, 'another authority signed it')
  const { text } = await curl(
    '--cacert',
    file('other-ca.crt'),
    '--connect-to',
    `::127.0.0.1:${new URL(url).port}`,
  )
  t.equal(text, '', 'and it is for another name')
  t.match(await openssl(url, '-verify_quiet'), /^TLSv1.3/)
  put('server')
  t.equal((await curl()).status, 200)
  writeFileSync(file('live.crt'), 'junk')
  t.equal((await curl()).status, 500, 'a broken certificate: the last one shakes hands to say so')
  put('server')
  t.equal((await curl()).status, 200)
  writeFileSync(path, `tls_server_config: { ${own}, ${ca}, client_auth_type: RequireAndVerifyClientCert }`)
  t.equal((await curl(...client('client'))).status, 0, 'what was not asked for at the start is not let in')
  t.match(JSON.stringify(logged.at(-1)), 'client_auth_type')
})
