/**
 * npm run test:devices: each kind of device that this kernel has, what left it by our counts, and by a
 * witness's. Prints a table; fails where a difference is not known.
 */
import { release } from 'node:os'
import { compareSettled, type Comparison } from './compare.js'
import type { Kind } from './kind.js'
import { ethernet } from './ethernet.js'
import { known } from './known.js'
import { Lab, targets } from './lab.js'
import { tunnels } from './tunnels.js'

type Verdict = 'exact' | 'known' | 'not here' | 'FAILED'

const wanted = process.argv.slice(2)
const kinds = [...ethernet, ...tunnels, ...known].filter(
  ({ what }) => wanted.length === 0 || wanted.some((word) => what.includes(word)),
)

/** What ip, modprobe and sockets say of that which this kernel was built without. */
const notHere = new RegExp(
  [
    ...['Unknown device type', 'not supported', 'No such device', 'Protocol not available'],
    ...['algorithm not found', 'Module \\w+ not found', 'Error talking to the kernel'],
  ].join('|'),
)

async function withTeardown<T>(
  act: (t: { teardown(action: () => unknown): void }) => Promise<T>,
): Promise<T> {
  const actions: (() => unknown)[] = []
  try {
    return await act({ teardown: (action) => actions.unshift(action) })
  } finally {
    for (const action of actions) await action()
  }
}

/** One row of the table, printed at once. */
async function tryKind(lab: Lab, kind: Kind, number: number): Promise<Verdict> {
  const start = Date.now()
  const row = (verdict: Verdict, packets: string, bytes: string, remark = '') => {
    const seconds = ((Date.now() - start) / 1000).toFixed(1)
    console.log(`| ${kind.what} | ${packets} | ${bytes} | ${verdict} | ${remark} | ${seconds} |`)
    return verdict
  }
  try {
    return await withTeardown(async (t) => {
      const before = await lab.run(t, kind, number)
      const to = kind.destinations ?? targets(kind, number)
      const found = await compareSettled(() => lab.look(), before, kind, to)
      const known: readonly string[] = kind.known?.differences ?? []
      const unknown = found.differences.filter((difference) => !known.includes(difference))
      if (unknown.length > 0) return row('FAILED', ...figures(found), found.differences.join(', '))
      if (found.differences.length === 0) return row('exact', ...figures(found))
      return row('known', ...figures(found), kind.known?.reason)
    })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (notHere.test(text)) return row('not here', '', '')
    return row('FAILED', '', '', text.replaceAll('\n', ' ').slice(-300))
  }
}

function figures({ ours, packets, bytes: [least, most] }: Comparison): [packets: string, bytes: string] {
  const seen = least === most ? String(least) : `${least} to ${most}`
  return [`${ours.packets} / ${packets}`, `${ours.bytes} / ${seen}`]
}

await withTeardown(async (t) => {
  const lab = await Lab.create(t)
  console.log(
    `kernel ${release()}\n| device | packets: ours / witness | bytes | verdict | remark | seconds |\n|---|---|---|---|---|---|`,
  )
  const verdicts: Verdict[] = []
  for (const [index, kind] of kinds.entries()) verdicts.push(await tryKind(lab, kind, index + 1))
  const count = (verdict: Verdict) => verdicts.filter((each) => each === verdict).length
  console.log(
    `${count('exact')} exact, ${count('known')} known, ${count('not here')} not here, ${count('FAILED')} failed`,
  )
  process.exitCode = count('FAILED') === 0 && count('exact') > 0 ? 0 : 1
})
