import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './memory.js'

interface Teardown {
  teardown(action: () => unknown): void
}

/** Compiles a C file of this folder to what LD_PRELOAD takes. */
export function compilePreload(folder: string, source: string): string {
  const library = join(folder, source.replace(/\.c$/, '.so'))
  const path = fileURLToPath(new URL(`./${source}`, import.meta.url))
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, path])
  return library
}

/** A wall clock that a test sets, for processes that have this environment. */
export function wallClock(t: Teardown) {
  const folder = temporaryFolder(t)
  const file = join(folder, 'shift')
  const set = (seconds: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(seconds) * 1000n)
    writeFileSync(file, bytes, { flag: 'r+' })
  }
  writeFileSync(file, Buffer.alloc(8))
  const env = { LD_PRELOAD: compilePreload(folder, 'wall_clock.c'), WALL_CLOCK: file }
  return { env, set }
}
