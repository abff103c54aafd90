import { rmSync } from 'node:fs'
import type { Namespace } from './network.js'

/** A folder for the pins of a namespace's exporter; what is in it goes with the test. */
export function pinFolder(t: { teardown(action: () => unknown): void }, host: Namespace): string {
  const path = `/sys/fs/bpf/${host.name}`
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Where in a folder of pins those of this version are: EGRESS_PINS_VERSION of bpf/egress.h. */
export const pinsIn = (folder: string) => `${folder}/v4`
