import { loadAddon } from './native/addon.js'
import { findProgramHolder } from './program-holder.js'

/** Something of an exporter on this host that outlives a killed one. */
export interface Leftover {
  /** In words. */
  readonly what: string
  /** The process that uses it; undefined: none. */
  readonly holder: number | undefined
  /** Removes it and nothing else; throws a NativeError. */
  readonly remove: () => void
}

/**
 * Folders of pins with what is attached by them, and then clsact filters, with some of which they go.
 * TCX links without a pin end with their process.
 *
 * @throws NativeError if the kernel cannot be asked; EACCES if other processes cannot be looked into
 */
export function* findLeftovers(): Iterable<Leftover> {
  const addon = loadAddon()
  for (const { path, pins, holder } of addon.pinFolders()) {
    const links = pins.filter((pin) => pin.includes('/tcx-')).length
    const what = `the pins in ${path} (${pins.length - links} maps, ${links} TCX links)`
    yield { what, holder, remove: () => addon.removePins(path) }
  }
  for (const leftover of addon.leftovers()) {
    const { interface: name, programId } = leftover
    const what = `the filter on ${name} (clsact egress, BPF program ${programId})`
    yield { what, holder: findProgramHolder(programId), remove: () => addon.removeLeftover(leftover) }
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
