import t from 'tap'
import { ca, hash, pair, webConfigLab } from '../../support/web-config.js'

const { client, file, inline, serveWith } = webConfigLab(t)
const htpasswdHash = hash.replace('$2b$', '$2y$')

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
