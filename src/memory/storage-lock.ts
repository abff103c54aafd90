import { isNativeError } from '../kernel/native-error.js'
import { explain } from '../kernel/explain.js'
import type { System } from '../kernel/system.js'
import { UserError } from '../errors.js'
import type { Logger } from '../log.js'
import { makeFolder } from './folder.js'

/**
 * Keeps other exporters out of a storage folder until the process ends; it is made if there is none.
 *
 * @throws UserError if another exporter has it
 * @throws NativeError or NodeJS.ErrnoException if it cannot be made or locked
 */
export function holdStorage(path: string, system: Pick<System, 'lockFolder'>): void {
  makeFolder(path)
  try {
    system.lockFolder(path, 'storage')
  } catch (error) {
    throw isNativeError(error) && error.code === 'EBUSY' ? explain(error) : error
  }
}

/**
 * The same at the start. Where it fails for another reason, the memory has more to say about it, and
 * counting goes on.
 *
 * @param path empty: nothing is stored
 * @throws UserError if another exporter has it
 */
export function lockStorage(
  path: string,
  system: Pick<System, 'lockFolder'>,
  log: Pick<Logger, 'warn'>,
): void {
  if (path === '') return
  try {
    holdStorage(path, system)
  } catch (error) {
    if (error instanceof UserError) throw error
    log.warn(
      { storage_path: path, reason: (error as Error).message },
      'cannot lock the storage folder: a second exporter there would not be noticed',
    )
  }
}
