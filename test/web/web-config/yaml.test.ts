import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { loadWebConfig } from '../../../src/web/web-config-file.js'
import { hash, pair, webConfigLab } from '../../support/web-config.js'

const run = promisify(execFile)
const { file } = webConfigLab(t)

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
