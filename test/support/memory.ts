import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contact } from '../../src/memory/store.js'

interface Teardown {
  teardown(action: () => unknown): void
}

export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'egress-memory-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file system of its own, that can be filled or made read-only. */
export function smallDisk(t: Teardown, size: string): { folder: string; remount(options: string): void } {
  const folder = temporaryFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  return {
    folder,
    remount: (options) => void execFileSync('mount', ['-o', `remount,${options}`, folder]),
  }
}

/** A contact, made of what a test cares about. */
export const contact = (destination: string, rest: Partial<Contact> = {}): Contact => ({
  interface: 'eth0',
  destination,
  protocol: 6,
  port: 443,
  packets: 1,
  bytes: 60,
  firstSeenMs: 1_000,
  lastSeenMs: 1_000,
  life: 'boot:1',
  ...rest,
})

/** Log lines, as [level, message]. */
export function recordingLog() {
  const lines: [level: string, message: string, fields: unknown][] = []
  const at = (level: string) => (fields: unknown, message?: string) =>
    void lines.push([level, message ?? String(fields), fields])
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}
