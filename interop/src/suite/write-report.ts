import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Report } from './report.ts'
import { renderReport } from './report-html.ts'
import { type SecretFinding, scanForSecrets } from './secret-scan.ts'

/**
 * Writes `latest.json` and `latest.html`, reads them back and looks for secrets in them. Where one is found the files are removed again.
 *
 * @returns what was found
 */
export async function writeReport(report: Report, directory: string): Promise<readonly SecretFinding[]> {
  await mkdir(directory, { recursive: true })
  const files = [
    { path: join(directory, 'latest.json'), text: `${JSON.stringify(report, undefined, 2)}\n` },
    { path: join(directory, 'latest.html'), text: renderReport(report) },
  ]
  for (const { path, text } of files) {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  const written = await Promise.all(files.map(async ({ path }) => ({ name: path, text: await readFile(path, 'utf8') })))
  const findings = scanForSecrets(written)
  if (findings.length > 0) await Promise.all(files.map(({ path }) => rm(path, { force: true })))
  return findings
}
