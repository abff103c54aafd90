import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import bcrypt from 'bcrypt'
import t from 'tap'
import { access } from '../../src/web/access.js'
import { loadWebConfig, WebConfigFile } from '../../src/web/web-config-file.js'
import { fakeApp, fine } from '../support/app.js'
import { makeCertificates } from '../support/certificates.js'
import { serveOn } from '../support/listen.js'

const run = promisify(execFile)
const folder = makeCertificates(t)
const file = (name: string) => join(folder, name)
const hash = bcrypt.hashSync('correct horse', 4)
const htpasswdHash = hash.replace('$2b$', '$2y$')

const pair = 'cert_file: server.crt, key_file: server.key'
const ca = 'client_ca_file: ca.crt'
const inline = (name: string) => JSON.stringify(readFileSync(file(name), 'utf8'))

/** Serves with a web configuration, and gives what a client gets. */
async function serveWith(t: Tap, yaml: string) {
  const path = file(`web-${Math.random()}.yml`)
  writeFileSync(path, yaml)
  const logged: unknown[] = []
  const note = (...args: unknown[]) => void logged.push(args)
  const log = { info: note, warn: note, error: note }
  const webConfig = new WebConfigFile(path, log)
  const { app } = fakeApp(t, fine, undefined, { access: access(webConfig) })
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }], { webConfig, log })
  t.teardown(() => server.close(0))
  const [url = ''] = server.urls
  return { path, url, logged, curl: (...flags: string[]) => curl(url, ...flags) }
}
type Tap = Pick<typeof t, 'teardown'>

/** The status of an answer, with its headers and body; 0: no answer. */
async function curl(url: string, ...flags: string[]): Promise<{ status: number; text: string }> {
  try {
    const { stdout } = await run('curl', ['-si', '--cacert', file('ca.crt'), ...flags, `${url}/metrics`])
    return { status: Number(/^HTTP\/\S+ (\d+)/.exec(stdout)?.[1]), text: stdout }
  } catch {
    return { status: 0, text: '' }
  }
}

/** Whether OpenSSL's client shakes hands and gets an answer, and by which protocol and cipher. */
async function openssl(url: string, ...flags: string[]): Promise<string> {
  const { host } = new URL(url)
  const request = "printf 'GET /-/healthy HTTP/1.0\\r\\n\\r\\n'"
  const connect = `openssl s_client -connect ${host} -CAfile ${file('ca.crt')} -ign_eof ${flags.join(' ')}`
  const { stdout } = await run('sh', ['-c', `${request} | timeout 10 ${connect} 2>&1; true`])
  const [, protocol = '', cipher = ''] = /^New, (\S+), Cipher is (\S+)$/m.exec(stdout) ?? []
  return stdout.includes('healthy\n') ? `${protocol} ${cipher}` : 'refused'
}

const client = (name: string) => ['--cert', file(`${name}.crt`), '--key', file(`${name}.key`)]

t.test('files that are refused, each with its place', async (t) => {
  const cases: [what: string, yaml: string, message: RegExp][] = [
    ['junk', 'hWkNKCp3fvIX3gKnsUWv', /:1:1: the file must be object$/],
    ['no YAML', 'tls_server_config: [', /:1:2\d: /],
    ['an unknown key', 'tls_config: {}', /:1:1: there is no key 'tls_config' here$/],
    ['an unknown key of TLS', `tls_server_config: { ${pair}, ca: x }`, /:1:\d+: there is no key 'ca' here$/],
    ['no key', 'tls_server_config: { cert_file: server.crt }', /: key or key_file is missing$/],
    ['no certificate', 'tls_server_config: { key_file: server.key }', /: cert or cert_file is missing$/],
    [
      'an empty certificate',
      'tls_server_config: { cert_file: "", key_file: server.key }',
      /cert_file is missing$/,
    ],
    ['an empty key', 'tls_server_config: { cert_file: server.crt, key_file: "" }', /key_file is missing$/],
    ['empty both', 'tls_server_config: { cert_file: "", key_file: "" }', /cert_file is missing$/],
    [
      'a key inline without a certificate',
      `tls_server_config: { key: ${inline('server.key')} }`,
      /cert_file is missing$/,
    ],
    ['a certificate twice', `tls_server_config: { ${pair}, cert: x }`, /write cert or cert_file, not both$/],
    [
      'a certificate that is not there',
      'tls_server_config: { cert_file: nowhere.crt, key_file: server.key }',
      /tls_server_config: ENOENT/,
    ],
    [
      'a key that is not there',
      'tls_server_config: { cert_file: server.crt, key_file: nowhere.key }',
      /tls_server_config: ENOENT/,
    ],
    [
      'a key that is no key',
      'tls_server_config: { cert_file: server.crt, key_file: server.ext }',
      /tls_server_config: error:/,
    ],
    [
      'a certificate that is none',
      'tls_server_config: { cert: junk, key_file: server.key }',
      /tls_server_config: error:/,
    ],
    [
      'the key of another',
      'tls_server_config: { cert_file: server.crt, key_file: client.key }',
      /key values mismatch/,
    ],
    [
      'a CA that is not there',
      `tls_server_config: { ${pair}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: nowhere }`,
      /ENOENT/,
    ],
    [
      'a CA that is none',
      `tls_server_config: { ${pair}, client_auth_type: RequireAndVerifyClientCert, client_ca: junk }`,
      /tls_server_config: /,
    ],
    [
      'a CA that nobody is asked for',
      `tls_server_config: { ${pair}, ${ca} }`,
      /there is a client CA, and client_auth_type asks/,
    ],
    [
      'names that nobody is asked for',
      `tls_server_config: { ${pair}, client_allowed_sans: [a] }`,
      /there are client_allowed_sans, and/,
    ],
    [
      'an unknown way to ask',
      `tls_server_config: { ${pair}, client_auth_type: Please }`,
      /client_auth_type: write one of NoClientCert, /,
    ],
    [
      'an unknown version',
      `tls_server_config: { ${pair}, min_version: TLS111 }`,
      /min_version: write one of TLS10, /,
    ],
    [
      'versions the wrong way round',
      `tls_server_config: { ${pair}, min_version: TLS13, max_version: TLS12 }`,
      /min_version is above/,
    ],
    [
      'an invented cipher',
      `tls_server_config: { ${pair}, cipher_suites: [TLS_MADE_UP] }`,
      /write one of TLS_AES_128_GCM_SHA256, /,
    ],
    [
      'an insecure cipher',
      `tls_server_config: { ${pair}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA] }`,
      /write one of/,
    ],
    [
      'an invented curve',
      `tls_server_config: { ${pair}, curve_preferences: [CurveP257] }`,
      /write one of CurveP256, /,
    ],
    [
      'ciphers without that of HTTP/2',
      `tls_server_config: { ${pair}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384] }`,
      /HTTP\/2 needs one of/,
    ],
    [
      'a header that is not among those',
      'http_server_config: { headers: { Server: x } }',
      /there is no key 'Server' here$/,
    ],
    [
      'a wrong value of a header',
      'http_server_config: { headers: { X-Frame-Options: all } }',
      /write one of deny, sameorigin$/,
    ],
    [
      'another wrong value',
      'http_server_config: { headers: { X-Content-Type-Options: sniff } }',
      /write one of nosniff$/,
    ],
    [
      'a password in place of its hash',
      'basic_auth_users: { alice: secret }',
      /user 'alice' has is no bcrypt hash: make/,
    ],
    [
      'a hash of another cost',
      `basic_auth_users: { alice: "${hash.replace('$04$', '$99$')}" }`,
      /no bcrypt hash/,
    ],
    ['users that are a list', 'basic_auth_users: [alice]', /basic_auth_users must be object/],
    ['a wrong duration', 'rate_limit: { interval: 1 second, burst: 1 }', /'1 second' is not a duration/],
    ['no burst', 'rate_limit: { interval: 1s }', /with a burst of 0 no request would ever be answered/],
    [
      'nobody who is let in',
      `tls_server_config: { ${pair}, client_auth_type: RequestClientCert, client_allowed_sans: [] }`,
      /client_allowed_sans is empty, so nobody would be let in: name one$/,
    ],
    [
      'a control character in a header',
      'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\eb"',
      /:3:30: Content-Security-Policy: there is a control character in it$/,
    ],
    [
      'no null in place of a password',
      'basic_auth_users: { alice: , bob: ~ }',
      /:1:28: basic_auth_users: what user 'alice' has is no bcrypt hash/,
    ],
    [
      'no null in place of a fixed header',
      'http_server_config: { headers: { X-Frame-Options: } }',
      /X-Frame-Options: write one of deny, sameorigin$/,
    ],
    [
      'TLS without a certificate',
      'tls_server_config: { min_version: TLS13 }',
      /cert or cert_file is missing$/,
    ],
    ['a boolean in quotes', 'http_server_config: { http2: "no" }', /http2 must be boolean$/],
    ['an interval of nothing', 'rate_limit: { interval: 010, burst: 1 }', /'010' is not a duration/],
    ['a burst below nothing', 'rate_limit: { interval: 1s, burst: -1 }', /burst must be >= 0$/],
  ]
  for (const [what, yaml, message] of cases) {
    const path = file('bad.yml')
    writeFileSync(path, yaml)
    t.throws(() => loadWebConfig(path), { message, exitCode: 2 }, what)
  }
  t.throws(() => loadWebConfig(file('nowhere.yml')), { message: /cannot read .*ENOENT$/, exitCode: 2 })
  writeFileSync(file('bad.yml'), 'basic_auth_users: { alice: hunter2 }')
  try {
    loadWebConfig(file('bad.yml'))
  } catch (error) {
    t.notMatch((error as Error).message, 'hunter2')
  }
})

t.test('files that are taken, by what clients get', async (t) => {
  const verify = `client_auth_type: RequireAndVerifyClientCert, ${ca}`
  const cases: [what: string, yaml: string, flags: string[], status: number][] = [
    ['nothing', '', [], 200],
    ['empty sections', 'tls_server_config:\nbasic_auth_users:\nrate_limit:\nhttp_server_config:\n', [], 200],
    ['TLS', `tls_server_config: { ${pair} }`, [], 200],
    [
      'TLS inline',
      `tls_server_config: { cert: ${inline('server.crt')}, key: ${inline('server.key')} }`,
      [],
      200,
    ],
    ['TLS, by HTTP/2', `tls_server_config: { ${pair} }`, ['--http2'], 200],
    [
      'TLS 1.1 for a client that wants no more',
      `tls_server_config: { ${pair} }`,
      ['--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0'],
      0,
    ],
    [
      'a client that knows another CA',
      `tls_server_config: { ${pair} }`,
      ['--cacert', file('other-ca.crt')],
      0,
    ],
    [
      'no certificate where one is asked for',
      `tls_server_config: { ${pair}, client_auth_type: RequestClientCert }`,
      [],
      200,
    ],
    [
      'a strange one there',
      `tls_server_config: { ${pair}, client_auth_type: RequestClientCert }`,
      client('stranger'),
      200,
    ],
    [
      'none where any is needed',
      `tls_server_config: { ${pair}, client_auth_type: RequireAnyClientCert }`,
      [],
      0,
    ],
    [
      'a strange one there',
      `tls_server_config: { ${pair}, client_auth_type: RequireAnyClientCert }`,
      client('stranger'),
      200,
    ],
    ['the other name of that', `tls_server_config: { ${pair}, client_auth_type: RequireClientCert }`, [], 0],
    [
      'none where a given one is verified',
      `tls_server_config: { ${pair}, ${ca}, client_auth_type: VerifyClientCertIfGiven }`,
      [],
      200,
    ],
    [
      'a strange one there',
      `tls_server_config: { ${pair}, ${ca}, client_auth_type: VerifyClientCertIfGiven }`,
      client('stranger'),
      0,
    ],
    [
      'a right one there',
      `tls_server_config: { ${pair}, ${ca}, client_auth_type: VerifyClientCertIfGiven }`,
      client('client'),
      200,
    ],
    ['none where a verified one is needed', `tls_server_config: { ${pair}, ${verify} }`, [], 0],
    ['a strange one there', `tls_server_config: { ${pair}, ${verify} }`, client('stranger'), 0],
    [
      'a strange one there, by HTTP/2',
      `tls_server_config: { ${pair}, ${verify} }`,
      ['--http2', ...client('stranger')],
      0,
    ],
    ['a right one there', `tls_server_config: { ${pair}, ${verify} }`, client('client'), 200],
    [
      'a right one by HTTP/2',
      `tls_server_config: { ${pair}, ${verify} }`,
      ['--http2', ...client('client')],
      200,
    ],
    ...['prometheus.example', 'ops@example.org', 'spiffe://example/prometheus', '192.0.2.7'].map(
      (name): [string, string, string[], number] => [
        `an allowed name, ${name}`,
        `tls_server_config: { ${pair}, ${verify}, client_allowed_sans: [other, "${name}"] }`,
        client('client'),
        200,
      ],
    ),
    [
      'none of the allowed names',
      `tls_server_config: { ${pair}, ${verify}, client_allowed_sans: [prometheus] }`,
      client('client'),
      0,
    ],
    [
      'none of them, by HTTP/2',
      `tls_server_config: { ${pair}, ${verify}, client_allowed_sans: [prometheus] }`,
      ['--http2', ...client('client')],
      0,
    ],
    [
      'names without a certificate',
      `tls_server_config: { ${pair}, client_auth_type: RequestClientCert, client_allowed_sans: [a] }`,
      [],
      0,
    ],
    ...[
      ...['2001:db8::a', '2001:0DB8:0:0:0:0:0:A', '2001:db8:0:1::a'],
      ...['192.0.2.9', '::ffff:192.0.2.9', '::ffff:c000:209'],
    ].map((name): [string, string, string[], number] => [
      `an allowed address, ${name}`,
      `tls_server_config: { ${pair}, ${verify}, client_allowed_sans: [other, "${name}"] }`,
      client('ipv6'),
      200,
    ]),
    ...['2001:db8::b', '192.0.2.11', '2001:db8::a/128', '::192.0.2.9'].map(
      (name): [string, string, string[], number] => [
        `${name}, which it is not`,
        `tls_server_config: { ${pair}, ${verify}, client_allowed_sans: ["${name}"] }`,
        client('ipv6'),
        0,
      ],
    ),
    ['no password', `basic_auth_users: { alice: "${hash}" }`, [], 401],
    [
      'a right password without TLS',
      `basic_auth_users: { alice: "${hash}" }`,
      ['-u', 'alice:correct horse'],
      200,
    ],
    ['one of htpasswd', `basic_auth_users: { alice: "${htpasswdHash}" }`, ['-u', 'alice:correct horse'], 200],
    ['a wrong password', `basic_auth_users: { alice: "${hash}" }`, ['-u', 'alice:correct'], 401],
    ['a wrong user', `basic_auth_users: { alice: "${hash}" }`, ['-u', 'bob:correct horse'], 401],
    ['no Basic', `basic_auth_users: { alice: "${hash}" }`, ['-H', 'Authorization: Bearer x'], 401],
    ['no colon', `basic_auth_users: { alice: "${hash}" }`, ['-H', 'Authorization: Basic YWxpY2U='], 401],
    [
      'all of it',
      `{ tls_server_config: { ${pair}, ${verify} }, basic_auth_users: { a: "${htpasswdHash}" } }`,
      [...client('client'), '-u', 'a:correct horse'],
      200,
    ],
    [
      'all of it but the password',
      `{ tls_server_config: { ${pair}, ${verify} }, basic_auth_users: { a: "${htpasswdHash}" } }`,
      client('client'),
      401,
    ],
  ]
  for (const [what, yaml, flags, status] of cases) {
    const { curl } = await serveWith(t, yaml)
    t.equal((await curl(...flags)).status, status, what)
  }
})

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

t.test('headers are on every answer, in place of the usual', async (t) => {
  const { curl } = await serveWith(
    t,
    `{ http_server_config: { headers: {
      Strict-Transport-Security: max-age=300, X-Frame-Options: sameorigin, X-XSS-Protection: "0",
      X-Content-Type-Options: nosniff, Content-Security-Policy: "default-src 'self'" } },
      basic_auth_users: { alice: "${hash}" } }`,
  )
  for (const flags of [[], ['-u', 'alice:correct horse']]) {
    const { text } = await curl(...flags)
    t.match(text, /^strict-transport-security: max-age=300\r$/im)
    t.match(text, /^x-frame-options: sameorigin\r$/im)
    t.match(text, /^x-xss-protection: 0\r$/im)
    t.match(text, /^content-security-policy: default-src 'self'\r$/im)
    t.equal(text.match(/^x-frame-options/gim)?.length, 1)
  }
})

t.test('header values as Go sends them', async (t) => {
  for (const [what, yaml, sent] of [
    [
      'a folded block',
      ">\n  default-src 'none';\n  frame-ancestors 'none'\n",
      "default-src 'none'; frame-ancestors 'none'",
    ],
    ['a literal block', "|\n  default-src 'none';\n  sandbox\n", "default-src 'none'; sandbox"],
    ['line breaks and white space', '" a\\r\\nb\\tc\\n\\t "', 'a  b\tc'],
    ['not ASCII', 'π é', 'π é'],
    ['no text', '~', ''],
    ['a number', '0', '0'],
    ['a word of YAML 1.1', 'no', 'no'],
  ] as const) {
    const { curl } = await serveWith(t, `http_server_config: {\n headers: {}}`)
    t.equal((await curl()).status, 200)
    const indented = yaml.replaceAll('\n', '\n    ')
    const served = await serveWith(
      t,
      `http_server_config:\n  headers:\n    Content-Security-Policy: ${indented}`,
    )
    for (const flags of [[], ['-H', 'Accept-Encoding: gzip', '-o', '/dev/null', '-D', '-']]) {
      const { text } = await served.curl(...flags)
      t.equal(/^content-security-policy: ?(.*)\r$/im.exec(text)?.[1], sent, what)
    }
  }
})

t.test('nulls, words and numbers as yaml.v2 reads them, with promtool as witness', async (t) => {
  const user = (key: string) => `basic_auth_users: { ${key}: "${hash}" }`
  const witnessed = [
    'http_server_config: { headers: }',
    'http_server_config: { headers: { Content-Security-Policy: } }',
    'http_server_config: { headers: { X-XSS-Protection: 0 } }',
    ...['no', 'off', 'n', 'FALSE', '~', ''].map((word) => `http_server_config: { http2: ${word} }`),
    'tls_server_config: { cert_file: , key_file: ~ , cipher_suites: , client_ca_file: null }',
    'basic_auth_users: ',
    user('1'),
    user('no'),
    '~',
    '--- # nothing',
  ]
  const path = file('words.yml')
  for (const yaml of witnessed) {
    writeFileSync(path, yaml)
    await t.resolves(run('promtool', ['check', 'web-config', path]), yaml)
    // It takes TLS without a certificate for none.
    if (yaml.includes('cert_file')) continue
    t.doesNotThrow(() => loadWebConfig(path), yaml)
  }
  for (const word of ['no', 'off', 'n', 'FALSE', '~', '', 'Null']) {
    const { config } = loaded(`{ tls_server_config: { ${pair} }, http_server_config: { http2: ${word} } }`)
    t.equal(config.http2, false, `http2: ${word}`)
  }
  for (const word of ['yes', 'On', 'y', 'true']) {
    const { config } = loaded(`{ tls_server_config: { ${pair} }, http_server_config: { http2: ${word} } }`)
    t.equal(config.http2, true, `http2: ${word}`)
  }
  t.match(loaded(`tls_server_config: { ${pair}, cipher_suites: , client_ca_file: }`).config.tls, {
    clientAuth: 'NoClientCert',
    clientAllowedSans: [],
  })
  t.same(loaded('rate_limit: { interval: 1000000000, burst: 3 }').config.rateLimit, {
    intervalMs: 1000,
    burst: 3,
  })
  t.same(loaded('rate_limit: { <<: { interval: 2s, burst: 5 }, burst: 3 }').config.rateLimit, {
    intervalMs: 2000,
    burst: 3,
  })
  t.equal(loaded('rate_limit: { interval: 0, burst: 3 }').config.rateLimit, undefined)

  function loaded(yaml: string) {
    writeFileSync(path, yaml)
    return loadWebConfig(path)
  }
})

t.test('stray bits in the padding of a hash, and other versions', async (t) => {
  const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const at = (index: number, bits: number) =>
    hash.slice(0, index) +
    alphabet.charAt(alphabet.indexOf(hash.charAt(index)) | bits) +
    hash.slice(index + 1)
  const [salt, end] = [28, 59]
  for (const stray of [
    ...[1, 2, 4, 8, 15].map((bits) => at(salt, bits)),
    ...[1, 2, 3].map((bits) => at(end, bits)),
    ...['$2$', '$2a$', '$2x$', '$2y$'].map((version) => hash.replace('$2b$', version)),
  ]) {
    const { curl } = await serveWith(t, `basic_auth_users: { alice: "${stray}" }`)
    t.equal((await curl('-u', 'alice:correct horse')).status, 200, stray)
    t.equal((await curl('-u', 'alice:wrong horse')).status, 401, stray)
  }
  const other = at(salt, 0).slice(0, salt) + (hash.charAt(salt) === '.' ? 'O' : '.') + hash.slice(salt + 1)
  const { curl } = await serveWith(t, `basic_auth_users: { alice: "${other}" }`)
  t.equal((await curl('-u', 'alice:correct horse')).status, 401, 'another salt')
})

t.test('a header that cannot be sent leaves nobody waiting', async (t) => {
  const { app } = fakeApp(t, fine, undefined, {
    access: async (_request, reply) => void reply.header('x-broken', 'a\u0000b'),
  })
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }])
  t.teardown(() => server.close(0))
  const { status } = await curl(server.urls[0] ?? '', '--max-time', '10')
  t.equal(status, 500)
})

t.test('the rate limit comes before the password', async (t) => {
  const { curl } = await serveWith(
    t,
    `{ rate_limit: { interval: 1h, burst: 3 }, basic_auth_users: { alice: "${hash}" } }`,
  )
  const right = ['-u', 'alice:correct horse']
  t.equal((await curl(...right)).status, 200)
  t.equal((await curl()).status, 401)
  t.equal((await curl(...right)).status, 200)
  t.equal((await curl(...right)).status, 429)
  t.equal((await curl()).status, 429)
})

t.test('it is read again; while it is broken nobody gets in', async (t) => {
  const { path, curl, logged } = await serveWith(t, `basic_auth_users: { alice: "${hash}" }`)
  const right = ['-u', 'alice:correct horse']
  t.equal((await curl(...right)).status, 200)
  writeFileSync(path, `basic_auth_users: { alice: "${bcrypt.hashSync('another', 4)}" }`)
  t.equal((await curl(...right)).status, 401, 'a password that was right before')
  t.equal((await curl('-u', 'alice:another')).status, 200)
  writeFileSync(path, 'basic_auth_users: { alice: hunter2 }')
  const broken = await curl('-u', 'alice:another')
  t.equal(broken.status, 500)
  t.match(broken.text, /\r\n\r\ninternal error\n$/)
  t.match(JSON.stringify(logged.at(-1)), 'the web configuration is broken')
  writeFileSync(path, '')
  t.equal((await curl()).status, 200)
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
