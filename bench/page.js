// How long the page takes from a click to what it asks for, in Debian's Chromium, with as many
// destinations as the table has by default.
import { withBrowser } from '../scripts/browser.js'
import { inNamespace } from './lab.js'
import { againstLimit } from './statistics.js'

const destinations = 65_536

/** @returns rows of { what, theirs, ours, ratio, target, note } */
export async function measurePage(rounds) {
  return inNamespace(async (lab) => {
    const exporter = await lab.startExporter(destinations)
    return withBrowser(lab.command('chromium'), async (browser) => {
      const page = await browser.newPage()
      await page.goto(new URL('/', exporter.url).href)
      await page.locator('#pager:has-text("of 65,536")').waitFor()
      const times = []
      for (let round = 0; round <= 2 * rounds; round++) {
        times.push(await page.evaluate(sortByDestination, round % 2 === 0 ? '1.0.0.0' : '1.0.255.255'))
      }
      return [
        againstLimit(
          `page, ${destinations.toLocaleString('en')} destinations: ms from a click to another order`,
          200,
          times.slice(1),
        ),
      ]
    })
  })
}

/** In the browser: clicks, and waits until the first row is painted with this address. */
function sortByDestination(address) {
  /* global document, MutationObserver, performance, requestAnimationFrame */
  return new Promise((resolve) => {
    const began = performance.now()
    const observer = new MutationObserver(() => {
      if (document.querySelector('#destinations tbody .address')?.textContent !== address) return
      observer.disconnect()
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)))
    })
    observer.observe(document.querySelector('#destinations tbody'), {
      childList: true,
      subtree: true,
      characterData: true,
    })
    document.querySelector('#destinations thead a[href*="sort="]').click()
  })
}
