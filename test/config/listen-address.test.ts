import t from 'tap'
import { formatAddress, parseListenAddress } from '../../src/config/listen-address.js'

t.same(parseListenAddress(':10191'), { port: 10191 })
t.same(parseListenAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
t.same(parseListenAddress('[::1]:9100'), { host: '::1', port: 9100 })
t.same(parseListenAddress('localhost:65535'), { host: 'localhost', port: 65535 })

for (const text of [
  '',
  '10191',
  ':',
  ':65536',
  ':http',
  '::1:80',
  '[::1]',
  '[nonsense]:80',
  'a:b:80',
  ':-1',
  ':1e3',
]) {
  t.throws(() => parseListenAddress(text), {
    message: `'${text}' is not an address: write [HOST]:PORT, such as :10191, 127.0.0.1:10191 or [::1]:10191, or unix:/PATH`,
  })
}

t.same(parseListenAddress('unix:/run/egress.sock'), { path: '/run/egress.sock' })
for (const text of ['unix:', 'unix:egress.sock', `unix:/${'a'.repeat(107)}`]) {
  t.throws(() => parseListenAddress(text), {
    message: `'${text}' is not a socket: write unix: and an absolute path of 107 bytes at most`,
  })
}

t.equal(formatAddress('::', 80), '[::]:80')
t.equal(formatAddress('127.0.0.1', 80), '127.0.0.1:80')
