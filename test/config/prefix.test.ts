import t from 'tap'
import { canonicalAddress, parsePrefix } from '../../src/config/prefix.js'

const good: [text: string, bytes: string, length: number][] = [
  ['10.0.0.0/8', '0a000000', 8],
  ['0.0.0.0/0', '00000000', 0],
  ['203.0.113.7', 'cb007107', 32],
  ['203.0.113.128/25', 'cb007180', 25],
  ['::/0', '0'.repeat(32), 0],
  ['2001:db8::/32', `20010db8${'0'.repeat(24)}`, 32],
  ['fe80::/10', `fe80${'0'.repeat(28)}`, 10],
  ['::1', `${'0'.repeat(31)}1`, 128],
  // IPv4-mapped: packets to these are IPv4, and all of them are only from /96 on.
  ['::ffff:192.0.2.1', 'c0000201', 32],
  ['::ffff:192.0.2.1/128', 'c0000201', 32],
  ['::FFFF:cb00:7100/120', 'cb007100', 24],
  ['0:0:0:0:0:ffff:0:0/96', '00000000', 0],
  ['::fffe:0:0/95', `${'0'.repeat(20)}fffe00000000`, 95],
  ['::ffff:0:0:0/96', `${'0'.repeat(16)}ffff${'0'.repeat(12)}`, 96],
  ['1:2:3:4:5:6:192.0.2.1', '000100020003000400050006c0000201', 128],
  ['1::5:6:7:8', '00010000000000000005000600070008', 128],
  ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006', 128],
  ['2001:db8::', `20010db8${'0'.repeat(24)}`, 128],
  ['::', '0'.repeat(32), 128],
  ['::192.0.2.1', `${'0'.repeat(24)}c0000201`, 128],
]
for (const [text, bytes, length] of good) {
  t.test(text, async (t) => {
    const prefix = parsePrefix(text)
    t.equal(Buffer.from(prefix.bytes).toString('hex'), bytes)
    t.equal(prefix.length, length)
  })
}

const bad: [text: string, message: RegExp][] = [
  ['', /^'' is not a CIDR prefix: write /],
  ['10', /^'10' is not a CIDR prefix: write /],
  ['10.0.0.0/', /its length must be a number from 0 to 32$/],
  ['10.0.0.0/33', /its length must be a number from 0 to 32$/],
  ['10.0.0.0/-1', /its length must be a number from 0 to 32$/],
  ['10.0.0.0/8/8', /its length must be a number from 0 to 32$/],
  ['203.0.113.0/024', /its length must be a number from 0 to 32$/],
  ['10.0.0.0/00', /its length must be a number from 0 to 32$/],
  ['2001:db8::/032', /its length must be a number from 0 to 128$/],
  ['::ffff:192.0.2.1/97', /has bits set after its prefix/],
  ['10.0.0.0/0x8', /its length must be a number from 0 to 32$/],
  ['2001:db8::/129', /its length must be a number from 0 to 128$/],
  ['010.0.0.0/8', /is not a CIDR prefix/],
  ['10.0.0.256', /is not a CIDR prefix/],
  ['fe80::1%eth0', /is not a CIDR prefix/],
  ['example.com', /is not a CIDR prefix/],
  ['10.0.0.1/8', /^'10\.0\.0\.1\/8' has bits set after its prefix: write 10\.0\.0\.0\/8$/],
  ['2001:db8::1/32', /write 2001:db8::\/32$/],
]
for (const [text, message] of bad) {
  t.throws(() => parsePrefix(text), { message }, `'${text}' is refused`)
}

for (const [text, canonical] of [
  ['2001:0DB8:0051:0000::2', '2001:db8:51::2'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113', undefined],
  ['fe80::1%eth0', undefined],
  ['', undefined],
] as const) {
  t.equal(canonicalAddress(text), canonical, text)
}
