import { ExitCode, UserError } from '../errors.js'
import { explain } from '../kernel/explain.js'
import { findLeftovers } from '../kernel/leftovers.js'

/**
 * Removes what earlier runs left on this host and no running exporter uses: folders of pins with what
 * is attached by them, and clsact filters of this program. TCX links without a pin end with their
 * process; a qdisc goes only where a pin tells that it was ours, and nobody else uses it.
 *
 * @param print gets a line for each thing that was found
 * @throws UserError if the host cannot be looked at or something not be removed
 */
export function cleanup(dryRun: boolean, print: (line: string) => void): void {
  let found = false
  try {
    for (const { details: what, findHolder, remove } of findLeftovers()) {
      found = true
      const holder = findHolder()
      if (holder !== undefined) {
        print(`left alone: ${what}, which process ${holder} uses`)
      } else if (dryRun) {
        print(`would remove ${what}`)
      } else {
        remove()
        print(`removed ${what}`)
      }
    }
    if (!found) print('nothing is left behind')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') {
      const message = 'cleanup: it cannot see which processes run an exporter: run it as root'
      throw new UserError(message, ExitCode.unsupported, { cause: error })
    }
    throw explain(error)
  }
}
