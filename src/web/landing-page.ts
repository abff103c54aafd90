import { build } from '../build.js'

/** The page at `/`, as other exporters have it. The path holds no character that HTML would need escaped. */
export function landingPage(telemetryPath: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>egress-exporter</title></head>
<body>
<h1>egress-exporter</h1>
<p>Counts what leaves this host, packet by packet, by destination.</p>
<p>Version: ${build.version}</p>
<ul>
<li><a href="${telemetryPath}">Metrics</a></li>
<li><a href="/-/healthy">Health</a></li>
<li><a href="/-/ready">Readiness</a></li>
</ul>
</body>
</html>
`
}
