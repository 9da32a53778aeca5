// Visits a page with Debian's Chromium, and prints what it saw as JSON.
//   node visit.mjs URL PIN
// URL is a site's, with USER:PASSWORD@ if it asks for one; PIN is what names its certificate's key to Chromium.
import { chromium } from 'playwright-core'

const [target, pin] = process.argv.slice(2)
const url = new URL(target)
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--host-resolver-rules=MAP *.test 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${pin}`],
})
try {
  const page = await browser.newPage()
  // A page whose own address has credentials may not fetch anything: they are given at another one, and kept.
  if (url.username) await page.goto(new URL('/welcome.html', url).href, { timeout: 15000 })
  const problems = []
  page.on('console', message => message.type() === 'error' && problems.push(message.text()))
  page.on('pageerror', error => problems.push(String(error)))
  page.on('requestfailed', request => problems.push(`${request.url()}: ${request.failure().errorText}`))
  const details = await page.context().newCDPSession(page)
  const session = new Promise(resolve => details.on('Network.responseReceived', event => resolve(event.response.securityDetails)))
  await details.send('Network.enable')
  const answer = await page.goto(url.origin, { timeout: 15000 })
  const done = await page.evaluate(() => window.done?.catch(error => ({ error: String(error) })))
  const loads = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .map(({ name, nextHopProtocol, responseStatus }) => ({ name, protocol: nextHopProtocol, status: responseStatus })))
  const color = await page.evaluate(() => getComputedStyle(document.querySelector('h1') ?? document.body).color)
  const { protocol, keyExchangeGroup, subjectName } = await session
  console.log(JSON.stringify({ version: browser.version(), status: answer.status(), done, loads, color, problems,
    session: { protocol, group: keyExchangeGroup, subject: subjectName } }))
} finally {
  await browser.close()
}
