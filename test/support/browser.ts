import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { hangMs } from './await.js'
import type { Namespace } from './network.js'

/** Debian's Chromium in a namespace, where it reaches the exporters there and nothing else. */
export async function startBrowser(
  t: { teardown(action: () => unknown): void },
  namespace: Namespace,
  ...flags: string[]
): Promise<Browser> {
  const folder = mkdtempSync(join(tmpdir(), 'egress-browser-'))
  const launcher = join(folder, 'chromium')
  const [file, before] = namespace.command('chromium')
  writeFileSync(launcher, `#!/bin/sh\nexec ${[file, ...before].join(' ')} "$@"\n`, { mode: 0o755 })
  // Its sandbox does not work for root.
  const args = ['--no-sandbox', ...flags]
  const browser = await chromium.launch({ executablePath: launcher, args, timeout: hangMs })
  t.teardown(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })
  return browser
}
