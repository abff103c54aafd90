import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Counts, destination, total, unlisted } from '../support/exporter.js'
import type { Difference, Kind, More } from './kind.js'
import type { Look } from './lab.js'

/** As send.py has them: what is sent to each address. */
const [datagrams, datagramBytes, buffers, bufferBytes, segmentBytes] = [23, 100, 3, 12001, 1000]

/** Figures that stay the same for so many looks are not still on their way. */
const looks = 8
const lookMs = 150

export interface Comparison {
  /** The exporter's. */
  readonly ours: Counts
  /** The witness's packets, and least and most bytes. */
  readonly packets: number
  readonly bytes: readonly [least: number, most: number]
  /** Also, which never have a known reason: `malformed`, and destinations that nothing was counted for. */
  readonly differences: readonly string[]
}

/** Compares until there is no difference, or until nothing changes any more. */
export async function compareSettled(
  look: () => Promise<Look>,
  before: Look,
  kind: Kind,
  targets: readonly string[],
): Promise<Comparison> {
  let last: Comparison | undefined
  for (let same = 0; same < looks; await sleep(lookMs)) {
    const found = compare(before, await look(), kind, targets)
    if (found.differences.length === 0) return found
    same = isDeepStrictEqual(found, last) ? same + 1 : 0
    last = found
  }
  if (!last) throw new Error('nothing was compared')
  return last
}

function compare(before: Look, after: Look, kind: Kind, targets: readonly string[]): Comparison {
  const { device, witness } = kind
  const below = kind.pair ? 'w0' : 'veth0'
  const since = (name: string) => minus(total(after.samples, name), total(before.samples, name))
  const own = (name: string) => minus(after.own.get(name) ?? {}, before.own.get(name) ?? {})
  const beneath = own(below)
  const differences: string[] = []
  const differ = (what: Difference) => differences.push(what)

  const found = targets.map((to) => destination(after.samples, to, device))
  differences.push(...targets.filter((_, index) => !found[index]?.packets).map((to) => `nothing to ${to}`))
  const malformed = (look: Look) => unlisted(look.samples, 'malformed', device).packets ?? 0
  if (malformed(after) > malformed(before)) differences.push('malformed')
  if (since(below).packets !== beneath.packets) differ('beneath packets')
  if (since(below).bytes !== beneath.bytes) differ('beneath bytes')

  let ours = since(device)
  let seen: Pick<Comparison, 'packets' | 'bytes'>
  if (typeof witness === 'object' && 'datagrams' in witness) {
    // Whatever else the device sends of its own accord has no witness.
    ours = found.map((counts) => minus(counts, {})).reduce(plus, { packets: 0, bytes: 0 })
    seen = less(targets.map((to) => sent(to, witness.datagrams)).reduce(plus), 0)
  } else if (typeof witness === 'object' && 'own' in witness) {
    seen = less(own(device), witness.own)
  } else {
    seen = witness === undefined ? less(own(device), 0) : less(beneath, witness)
  }
  if (ours.packets !== seen.packets) differ('packets')
  if (ours.bytes < seen.bytes[0] || ours.bytes > seen.bytes[1]) differ('bytes')
  return { ours, ...seen, differences }
}

/** What the witness saw, without what each packet has more there. */
function less({ packets, bytes }: Counts, more: More): Pick<Comparison, 'packets' | 'bytes'> {
  const [least, most] = typeof more === 'number' ? [more, more] : more
  return { packets, bytes: [bytes - most * packets, bytes - least * packets] }
}

/** The packets that datagrams, and buffers of them, to an address become. */
function sent(to: string, link: number): Counts {
  const headers = link + (to.includes(':') ? 40 : 20) + 8
  const segments = buffers * Math.ceil(bufferBytes / segmentBytes)
  return {
    packets: datagrams + segments,
    bytes: (datagrams + segments) * headers + datagrams * datagramBytes + buffers * bufferBytes,
  }
}

const plus = (a: Counts, b: Counts): Counts => ({ packets: a.packets + b.packets, bytes: a.bytes + b.bytes })

function minus(a: Partial<Counts>, b: Partial<Counts>): Counts {
  return { packets: (a.packets ?? 0) - (b.packets ?? 0), bytes: (a.bytes ?? 0) - (b.bytes ?? 0) }
}
