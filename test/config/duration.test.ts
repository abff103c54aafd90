import t from 'tap'
import { parseDuration } from '../../src/config/duration.js'

for (const [text, ms] of [
  ['0', 0],
  ['0s', 0],
  ['90s', 90_000],
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['1d1h1m1s', 90_061_000],
] as const) {
  t.equal(parseDuration(text), ms, text)
}
for (const text of ['', '1', 's', '1.5h', '-1h', '1m1h', '1w', '1 h', '24H']) {
  t.throws(() => parseDuration(text), {
    message: `'${text}' is not a duration: write 24h, 1h30m, 90s or 7d`,
  })
}
t.throws(() => parseDuration('999999999d'), { message: /longer than a thousand years/ })
