import { closeSync } from 'node:fs'
import { isNativeError } from '../kernel/native-error.js'
import { explain } from '../kernel/explain.js'
import type { System } from '../kernel/system.js'
import type { Logger } from '../log.js'
import { makeFolder } from './folder.js'

/**
 * Keeps other exporters out of a storage folder, which is made if there is none. Where that fails the
 * memory has more to say about it, and counting goes on.
 *
 * @param path empty: nothing is stored
 * @returns how to let it go; the end of the process does so as well
 * @throws UserError if another exporter has it
 */
export function lockStorage(
  path: string,
  system: Pick<System, 'lockFolder'>,
  log: Pick<Logger, 'warn'>,
): () => void {
  if (path === '') return () => undefined
  try {
    makeFolder(path)
    const descriptor = system.lockFolder(path, 'storage')
    return () => closeSync(descriptor)
  } catch (error) {
    if (isNativeError(error) && error.code === 'EBUSY') throw explain(error)
    log.warn(
      { storage_path: path, reason: (error as Error).message },
      'cannot lock the storage folder: a second exporter there would not be noticed',
    )
    return () => undefined
  }
}
