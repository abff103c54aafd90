import { lstatSync, rmSync, type Stats } from 'node:fs'

/** Says what is in the way of a Unix socket at a path; undefined: nothing that can be seen. */
export function occupantOf(path: string): string | undefined {
  const found = statsAt(path)
  // Whether a socket is in use is found out by listening.
  return found && !found.isSocket() ? kindOf(found) : undefined
}

function kindOf(found: Stats): string {
  if (found.isFile()) return 'a file'
  if (found.isDirectory()) return 'a folder'
  if (found.isSymbolicLink()) return 'a symbolic link'
  return found.isFIFO() ? 'a named pipe' : 'a device'
}

/** A socket's place in the file system, which is given back as long as nobody has put something else there. */
export class SocketPath {
  readonly path: string
  readonly #ours: Stats | undefined

  /** Right after the socket is there. */
  constructor(path: string) {
    this.path = path
    this.#ours = statsAt(path)
  }

  remove(): void {
    const found = statsAt(this.path)
    // While the socket is open its inode's number is nobody else's.
    if (found?.dev === this.#ours?.dev && found?.ino === this.#ours?.ino) rmSync(this.path, { force: true })
  }
}

/** Undefined also where it cannot be looked at, which listening will tell. */
function statsAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
