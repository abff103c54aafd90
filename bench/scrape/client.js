// Scrapes several servers in turn and prints the times in ms to the last byte, as JSON:
// URL ROUNDS [URL ...].
import { get } from 'node:http'
import { performance } from 'node:perf_hooks'

const [first, rounds, ...others] = process.argv.slice(2)
const urls = [first, ...others]
const times = urls.map(() => [])

function scrape(url) {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    get(url, { agent: false }, (response) => {
      response.on('data', () => undefined)
      response.on('end', () => resolve(performance.now() - start))
    }).on('error', reject)
  })
}

for (const url of urls) await scrape(url) // the first is slower for both
for (let round = 0; round < Number(rounds); round++) {
  for (const [index, url] of urls.entries()) times[index].push(await scrape(url))
}
console.log(JSON.stringify(times))
