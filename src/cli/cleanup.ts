import { ExitCode, UserError } from '../errors.js'
import { type Addon, loadAddon } from '../kernel/addon.js'
import { explain } from '../kernel/explain.js'
import { findProgramHolder } from '../kernel/program-holder.js'

/**
 * Removes what earlier runs left on this host and no running exporter uses: folders of pins with what
 * is attached by them, and clsact filters of this program. TCX links without a pin end with their
 * process; a qdisc goes only where a pin tells that it was ours, and nobody else uses it.
 *
 * @param print gets a line for each thing that was found
 * @throws UserError if the host cannot be looked at or something not be removed
 */
export function cleanup(dryRun: boolean, print: (line: string) => void, addon: Addon = loadAddon()): void {
  const found: string[] = []
  const handle = (what: string, holder: number | undefined, remove: () => void) => {
    found.push(what)
    if (holder !== undefined) {
      print(`left alone: ${what}, which process ${holder} uses`)
    } else if (dryRun) {
      print(`would remove ${what}`)
    } else {
      remove()
      print(`removed ${what}`)
    }
  }
  try {
    for (const { path, pins, holder } of addon.pinFolders()) {
      const links = pins.filter((pin) => pin.includes('/tcx-')).length
      const what = `the pins in ${path} (${pins.length - links} maps, ${links} TCX links)`
      handle(what, holder, () => addon.removePins(path))
    }
    // After the pins, with which some of them go.
    for (const leftover of addon.leftovers()) {
      const { interface: name, programId } = leftover
      const what = `the filter on ${name} (clsact egress, BPF program ${programId})`
      handle(what, findProgramHolder(programId), () => addon.removeLeftover(leftover))
    }
    if (found.length === 0) print('nothing is left behind')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') {
      const message = 'cleanup: it cannot see which processes run an exporter: run it as root'
      throw new UserError(message, ExitCode.unsupported, { cause: error })
    }
    throw explain(error)
  }
}
