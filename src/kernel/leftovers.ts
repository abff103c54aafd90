import { type Addon, loadAddon } from './native/addon.js'
import { findProgramHolder } from './program-holder.js'

/** Something of an exporter on this host that outlives a killed one. */
export interface Leftover {
  /** In words. */
  readonly name: string
  /** The same, with what it consists of. */
  readonly details: string
  /** The process that uses it; undefined: none. Throws EACCES where other processes cannot be looked into. */
  readonly findHolder: () => number | undefined
  /** Removes it and nothing else; throws a NativeError. */
  readonly remove: () => void
}

/**
 * Folders of pins with what is attached by them, and then clsact filters, with some of which they go.
 * TCX links without a pin end with their process.
 *
 * @throws NativeError if the kernel cannot be asked
 */
export function* findLeftovers(addon: Addon = loadAddon()): Iterable<Leftover> {
  for (const { path, pins, holder } of addon.pinFolders()) {
    const links = pins.filter((pin) => pin.includes('/tcx-')).length
    const name = `the pins in ${path}`
    yield {
      name,
      details: `${name} (${pins.length - links} maps, ${links} TCX links)`,
      findHolder: () => holder,
      remove: () => addon.removePins(path),
    }
  }
  for (const leftover of addon.leftovers()) {
    const { interface: device, programId } = leftover
    yield {
      name: `the clsact filter on ${device}`,
      details: `the filter on ${device} (clsact egress, BPF program ${programId})`,
      findHolder: () => findProgramHolder(programId),
      remove: () => addon.removeLeftover(leftover),
    }
  }
}

/** A clsact filter by which a process counts now: of these an interface has one of this program. */
export function findCounting(): { readonly interface: string; readonly holder: number } | undefined {
  for (const { interface: name, programId } of loadAddon().leftovers()) {
    const holder = findProgramHolder(programId)
    if (holder !== undefined) return { interface: name, holder }
  }
  return undefined
}
