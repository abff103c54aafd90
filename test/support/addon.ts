import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { type Contact, unpack } from '../../src/kernel/contacts.js'
import { loadAddon } from '../../src/kernel/native/addon.js'
import type { NativeExporter } from '../../src/kernel/native/exporter.js'

// These attach to this machine's loopback device and send nothing beyond it.
export const loopback = 1
export const addon = loadAddon()
/** Room for two lines, as native/exposition.h has them. */
export const smallestBuffer = 2 * (512 + 2 * 3 * 512)
export const options = {
  destinationsLimit: 256,
  prefixRules: [],
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
  aggregateReplies: false,
  servicesLimit: 0,
  pinPath: '',
}

export async function page(
  exporter: NativeExporter,
  openMetrics = false,
  bufferBytes = smallestBuffer,
): Promise<string> {
  await know(exporter)
  return pageWithoutKnowing(exporter, openMetrics, bufferBytes)
}

export async function pageWithoutKnowing(
  exporter: NativeExporter,
  openMetrics = false,
  bufferBytes = smallestBuffer,
): Promise<string> {
  const buffer = Buffer.alloc(bufferBytes)
  const reader = await exporter.read(openMetrics, undefined, buffer)
  let text = buffer.toString('utf8', 0, reader.filled)
  while (!reader.ended) text += buffer.toString('utf8', 0, await reader.fill(buffer))
  assert.equal(await reader.fill(buffer), 0)
  reader.close()
  return text
}

/** When a read was made that nobody uses. */
export async function readNs(exporter: NativeExporter): Promise<bigint> {
  const reader = await exporter.read(false, undefined, Buffer.alloc(smallestBuffer))
  const { readNs } = reader
  reader.close()
  return readNs
}

/** A page in use is shared for so long. */
export const sharedNs = 50_000_000n

/** Makes all destinations known, as a memory does. */
export async function know(exporter: NativeExporter): Promise<Contact[]> {
  const found = await exporter.discover(10_000)
  const contacts = unpack(found)
  await exporter.publish(found.keys, firstSeen(contacts))
  return contacts
}

export const firstSeen = (contacts: readonly Contact[]) =>
  Float64Array.from(contacts, ({ firstSeenMs }) => firstSeenMs)

export const traffic = (...args: string[]) =>
  execFileSync('python3', [new URL('./traffic.py', import.meta.url).pathname, ...args])
export const sendTo127 = (count: number, last: number) =>
  traffic('udp', `127.9.9.${last}`, '9', String(count), '5')

/** Counts on loopback until the test ends. */
export async function openLoopback(t: { teardown(action: () => void): void }): Promise<NativeExporter> {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  return exporter
}
