import { writeFileSync } from 'node:fs'
import t from 'tap'
import { loadWebConfig } from '../../../src/web/web-config-file.js'
import { ca, hash, pair, webConfigLab } from '../../support/web-config.js'

const { file, inline } = webConfigLab(t)

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
