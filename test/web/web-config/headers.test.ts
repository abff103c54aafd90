import t from 'tap'
import { fakeApp, fine } from '../../support/app.js'
import { serveOn } from '../../support/listen.js'
import { hash, webConfigLab } from '../../support/web-config.js'

const { curl, serveWith } = webConfigLab(t)

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

t.test('a header that cannot be sent leaves nobody waiting', async (t) => {
  const { app } = fakeApp(t, fine, undefined, {
    access: async (_request, reply) => void reply.header('x-broken', 'a\u0000b'),
  })
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }])
  t.teardown(() => server.close(0))
  const { status } = await curl(server.urls[0] ?? '', '--max-time', '10')
  t.equal(status, 500)
})
