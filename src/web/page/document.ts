import { hostname } from 'node:os'
import { build } from '../../build.js'
import type { DestinationsList, ListQuery } from '../../destinations/list.js'
import {
  escapeHtml,
  renderHead,
  renderInterfaces,
  renderNewest,
  renderPager,
  renderRows,
  renderServices,
} from './view.js'

/** The whole page, as the server sends it; scripts that bring it to life are not needed to read it. */
export function renderDocument(
  telemetryPath: string,
  query: ListQuery,
  list: DestinationsList,
  newest: DestinationsList,
): string {
  const now = Date.parse(list.time)
  const host = escapeHtml(hostname())
  const option = (value: string, label: string, selected: boolean) =>
    `<option value="${escapeHtml(value)}"${selected ? ' selected' : ''}>${escapeHtml(label)}</option>`
  const interfaces = list.interfaces.map(({ interface: name }) =>
    option(name, name, query.interface === name),
  )
  const services =
    list.services.length === 0 && !query.service
      ? '<input type="hidden" name="service"><input type="hidden" name="by">'
      : `<label>Service <input name="service" maxlength="512" value="${escapeHtml(query.service ?? '')}" placeholder="any" autocomplete="off"></label>
<label>Rows <select name="by">${option('', 'destinations', query.by !== 'service')}${option('service', 'services', query.by === 'service')}</select></label>
`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${host}: where its packets go</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/page.css">
<script type="module" src="assets/page.js"></script>
</head>
<body>
<header>
<h1>Where <span class="host">${host}</span> sends its packets</h1>
<p id="state" role="status">As of ${list.time.slice(0, 19).replace('T', ' ')} UTC</p>
<button id="pause" type="button" hidden>Pause</button>
</header>
<main>
<section>
<h2>New destinations</h2>
<div id="newest">${renderNewest(newest, now)}</div>
</section>
<section>
<h2 id="interfaces-title">Interfaces</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="interfaces-title"><table id="interfaces">${renderInterfaces(list.interfaces)}</table></div>
</section>
<section id="by-service"${list.services.length === 0 ? ' hidden' : ''}>
<h2 id="services-title">Services</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="services-title"><table id="services">${renderServices(list)}</table></div>
</section>
<section>
<h2 id="destinations-title">Destinations</h2>
<form id="filter" role="search">
<input type="hidden" name="sort" value="${escapeHtml(query.sort)}">
<label>Search <input type="search" name="search" maxlength="100" value="${escapeHtml(query.search ?? '')}" placeholder="203.0.113. or 203.0.113.0/24" autocomplete="off"></label>
<label>Interface <select name="interface">${option('', 'all', !query.interface)}${interfaces.join('')}</select></label>
<label>Status <select name="status">${option('', 'all', !query.status)}${option('new', 'new', query.status === 'new')}</select></label>
${services}<button id="apply">Show</button>
</form>
<p id="error" role="alert"></p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="destinations-title"><table id="destinations">
<thead>${renderHead(query, list.destinations)}</thead>
<tbody>${renderRows(list)}</tbody>
</table></div>
<nav id="pager" aria-label="Pages">${renderPager(list, query)}</nav>
</section>
</main>
<footer>
<ul>
<li><a href=".${telemetryPath}">Metrics</a></li>
<li><a href="api/v1/destinations">JSON</a></li>
<li><a href="-/healthy">Health</a></li>
<li><a href="-/ready">Readiness</a></li>
<li><a href="docs">Documentation</a></li>
</ul>
<p>egress-exporter ${build.version}. Times are UTC; bytes are those on the wire. Acknowledge what is new with <code>egress-exporter destinations ack ADDRESS</code>.</p>
</footer>
</body>
</html>
`
}
