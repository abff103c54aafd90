import type { BpfMode } from '../config/options.js'
import { ExitCode, UserError } from '../errors.js'
import { isNativeError } from './native-error.js'
import type { NativeExporter } from './native/exporter.js'
import type { AttachedMode } from './native/programs.js'
import type { EgressInterface } from './interfaces.js'
import { findProgramHolder } from './program-holder.js'

/**
 * Attaches the program. A clsact filter of this program that is there already was left by a run that
 * was killed, and is replaced; or another exporter counts by it, and stays.
 *
 * @param inDoubt what to do where it cannot be seen whether a process holds that filter
 * @throws UserError naming that process; NativeError as the kernel says
 */
export async function attach(
  exporter: Pick<NativeExporter, 'attach'>,
  { ifindex, name, ethernet }: EgressInterface,
  mode: BpfMode,
  inDoubt: 'replace' | 'refuse',
): Promise<AttachedMode> {
  try {
    return await exporter.attach(ifindex, name, ethernet, mode)
  } catch (error) {
    if (!isNativeError(error) || error.operation !== 'attach clsact' || error.code !== 'EBUSY') throw error
    const program = Number(error.detail)
    const holder = holderOf(program)
    if (holder === undefined || (holder === 'unknown' && inDoubt === 'replace'))
      return exporter.attach(ifindex, name, ethernet, mode, program)
    throw new OccupiedError(
      `interface ${name}: ${holder === 'unknown' ? 'another exporter' : `process ${holder}`} counts there already, by a clsact filter: stop it, or leave the interface out`,
      ExitCode.failed,
      { cause: error },
    )
  }
}

/** Somebody else has the place. It is free again when they leave, and no sooner for being tried. */
class OccupiedError extends UserError {}

/** Whether an error says that somebody else has the place, now explained. */
export const isOccupied = (error: unknown): boolean =>
  error instanceof OccupiedError ||
  (error instanceof UserError &&
    isNativeError(error.cause) &&
    error.cause.operation === 'add clsact qdisc' &&
    error.cause.code === 'EEXIST')

function holderOf(program: number): number | 'unknown' | undefined {
  try {
    return findProgramHolder(program)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return 'unknown'
    throw error
  }
}
