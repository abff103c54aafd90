import { ExitCode, UserError } from '../errors.js'
import { type Addon, loadAddon } from '../kernel/addon.js'
import { explain } from '../kernel/explain.js'
import { findProgramHolder } from '../kernel/program-holder.js'

/**
 * Removes what earlier runs left on this host's interfaces: clsact filters of this program that no
 * running exporter holds. TCX links end with their process, and qdiscs may be anybody's.
 *
 * @param print gets a line for each filter that was found
 * @throws UserError if the host cannot be looked at or a filter not be removed
 */
export function cleanup(dryRun: boolean, print: (line: string) => void, addon: Addon = loadAddon()): void {
  try {
    const leftovers = addon.leftovers()
    if (leftovers.length === 0) print('nothing is left behind')
    for (const { ifindex, interface: name, programId } of leftovers) {
      const holder = findProgramHolder(programId)
      const what = `the filter on ${name} (clsact egress, BPF program ${programId})`
      if (holder !== undefined) {
        print(`left alone: ${what}, which process ${holder} uses`)
      } else if (dryRun) {
        print(`would remove ${what}`)
      } else {
        addon.removeLeftover(ifindex, name)
        print(`removed ${what}`)
      }
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') {
      const message = 'cleanup: it cannot see which processes run an exporter: run it as root'
      throw new UserError(message, ExitCode.unsupported, { cause: error })
    }
    throw explain(error)
  }
}
