import type { EvidenceValue } from './check.ts'
import type { CheckRecord } from './check-record.ts'
import { formatTally, matrixOf } from './matrix.ts'
import type { DriverReport, Report } from './report.ts'
import { REPORT_STYLE } from './report-style.ts'

/** The report as one page without scripts: matrix, environment, and the evidence of each check. */
export function renderReport(report: Report): string {
  const { environment, summary, startedAt, durationMs, faults, checks } = report
  const title = `interop: ${summary.passed} passed, ${summary.failed} failed, ${summary.notRun} not run`
  const spire = environment.spire === null ? 'no SPIRE' : `SPIRE ${environment.spire.version}, ${environment.spire.mode}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(`${startedAt}, ${Math.round(durationMs / 1000)} s; ${spire}; ${environment.containerEngine ?? 'no container engine'}; ${environment.runtime}`)}</p>
${faults.map((fault) => `<p class="failed">${escapeHtml(fault)}</p>`).join('\n')}
<h2>Matrix</h2>
${renderMatrix(checks)}
<h2>Environment</h2>
${environment.drivers.map(renderDriver).join('\n')}
<h2>Checks</h2>
${[...Map.groupBy(checks, ({ driver, scenario }) => `${driver}: ${scenario}`)].map(([name, group]) => `<h3>${escapeHtml(name)}</h3>\n${group.map(renderCheck).join('\n')}`).join('\n')}
</body>
</html>
`
}

function renderMatrix(checks: readonly CheckRecord[]): string {
  const { drivers, rows } = matrixOf(checks)
  const head = ['scenario', 'about', 'kind', ...drivers].map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')
  const body = rows.map(({ scenario, family, kind, cells }) => {
    const counts = cells.map(
      (cell) => `<td class="${cell.failed > 0 ? 'failed' : cell.passed > 0 ? 'passed' : 'not-run'}">${escapeHtml(formatTally(cell))}</td>`,
    )
    return `<tr><td>${escapeHtml(scenario)}</td><th scope="row">${escapeHtml(family)}</th><td>${escapeHtml(kind)}</td>${counts.join('')}</tr>`
  })
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
}

function renderDriver({ driver, available, reason, how, worlds }: DriverReport): string {
  if (!available)
    return `<p><b>${escapeHtml(driver)}</b> was not run: ${escapeHtml(reason ?? '')}. How to get it: ${escapeHtml(how ?? '')}</p>`
  const lines = worlds.map(({ world, spire, containerEngine, images, runtime }) => {
    const parts = [`SPIRE ${spire.version}, ${spire.mode}, ${spire.how}`, containerEngine ?? 'no containers', ...images, runtime]
    return `<li>${escapeHtml(world)}: ${escapeHtml(parts.join('; '))}</li>`
  })
  return `<p><b>${escapeHtml(driver)}</b></p><ul>${lines.join('')}</ul>`
}

function renderCheck(check: CheckRecord): string {
  const { id, title, result, kind, reason, how, requirements, durationMs, evidence, expectedFailure } = check
  const mark = result.replace(' ', '-')
  const facts = [title, `${kind}, ${durationMs} ms`, requirements.length === 0 ? '' : `requirements: ${requirements.join(', ')}`]
  const notes = [reason, how === null ? null : `How to get it: ${how}`, expectedFailure === null ? null : `Expected: ${expectedFailure}`]
  return `<details id="${escapeHtml(`${check.driver}.${id}`)}"${result === 'failed' ? ' open' : ''}>
<summary><span class="${mark}">${escapeHtml(result)}</span> <code>${escapeHtml(id)}</code> ${escapeHtml(title)}</summary>
<p>${facts
    .slice(1)
    .filter((fact) => fact !== '')
    .map(escapeHtml)
    .join('<br>')}</p>
${notes
  .filter((note) => note !== null)
  .map((note) => `<p class="${mark}">${escapeHtml(note)}</p>`)
  .join('\n')}
${renderValue(evidence)}
</details>`
}

function renderValue(value: EvidenceValue): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return `<code>${String(value)}</code>`
  if (typeof value === 'string')
    return value.includes('\n') || value.length > 100 ? `<pre>${escapeHtml(value)}</pre>` : `<code>${escapeHtml(value)}</code>`
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === 'string')) return `<pre>${escapeHtml(value.join('\n'))}</pre>`
    return `<ol>${value.map((item: EvidenceValue) => `<li>${renderValue(item)}</li>`).join('')}</ol>`
  }
  const members = Object.entries(value).map(
    ([name, member]: [string, EvidenceValue]) => `<dt>${escapeHtml(name)}</dt><dd>${renderValue(member)}</dd>`,
  )
  return members.length === 0 ? '' : `<dl>${members.join('')}</dl>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
