// tap runs this before all tests: an older Node would end the first file that opens a database, silently.
if (Number(process.versions.napi) < 10) {
  console.error(
    `Node.js ${process.versions.node} is too old: npm test and npx tap take the one that npm brought`,
  )
  process.exit(1)
}
