// Debian's Chromium, without a screen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Lends a browser that a command line starts, such as one that enters a network namespace first. */
export async function withBrowser(command, use) {
  // In a fresh clone it comes with the set-up, which is later than this file.
  const { chromium } = await import('playwright-core')
  const folder = mkdtempSync(join(tmpdir(), 'egress-browser-'))
  const executablePath = join(folder, 'chromium')
  writeFileSync(executablePath, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 })
  // Its sandbox does not work for root.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    return await use(browser)
  } finally {
    await browser.close()
    rmSync(folder, { recursive: true })
  }
}
