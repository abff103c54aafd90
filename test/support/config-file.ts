import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './await.js'
import type { RunningExporter } from './exporter.js'

/** A configuration file that a running exporter reads again. */
export function configFile(t: { teardown(action: () => unknown): void }, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'egress-config-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'config.yml')
  writeFileSync(file, text)
  return {
    flag: `--config.file=${file}`,
    /** Replaces the text, and awaits that it is in force. */
    async change(exporter: RunningExporter, text: string): Promise<void> {
      writeFileSync(file, text)
      const before = exporter.log().length
      exporter.child.kill('SIGHUP')
      await eventually(() =>
        assert.match(exporter.log().slice(before).join('\n'), /msg="read the configuration again"/),
      )
    },
  }
}
