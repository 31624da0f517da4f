// The one entry of the npm commands. Plain JavaScript on the standard library alone: it has to run on any Node from 20 up with
// nothing installed. It installs what the lock file names, then hands over to the pinned Node.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const programs = {
  test: 'scripts/test.ts',
  check: 'scripts/test.ts',
  interop: 'interop/src/main.ts',
  shop: 'interop/src/shop/main.ts',
  bench: 'scripts/bench.ts',
  requirement: 'scripts/requirements.ts',
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}

/** Compares what is installed with the lock file by content: times say nothing after a clone, a copy or a restored cache. */
function missingPackages() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return ['everything']
  const installed = readJson('node_modules/.package-lock.json').packages
  const wanted = Object.entries(readJson('package-lock.json').packages).filter(([path]) => path.includes('node_modules/'))
  const fits = ([path, entry]) => (installed[path] === undefined ? entry.optional === true : installed[path].version === entry.version)
  return wanted.filter((entry) => !fits(entry)).map(([path]) => path.replace(/^.*node_modules\//, ''))
}

/** @param {string[]} args */
function npm(args) {
  // npm tells its scripts where it is itself: this works without npm on the PATH, and on Windows without a shell.
  const cli = process.env.npm_execpath
  const [command, prefix] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []]
  return spawnSync(command, [...prefix, ...args], { cwd: root, stdio: 'inherit', shell: command === 'npm' && process.platform === 'win32' })
}

function install() {
  const missing = missingPackages()
  if (missing.length === 0) return
  const what = missing.length > 3 ? `${missing.slice(0, 3).join(', ')} and ${missing.length - 3} more` : missing.join(', ')
  console.log(`Installing dependencies (${what}): npm install`)
  const started = Date.now()
  // Not `npm ci`: it refuses a lock file without the optional binaries of every other platform, which a registry that mirrors one
  // platform doesn't have. Versions and hashes come from the lock file either way, and --no-save leaves that as it is.
  const { status } = npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'])
  if (status !== 0) fail(`npm install failed${status === null ? '' : ` with status ${status}`}; it needs the package registry once`)
  console.log(`Installed in ${Math.round((Date.now() - started) / 1000)} s`)
}

function pinnedNode() {
  const bin = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const version = readJson('package.json').devDependencies.node
  if (process.version === `v${version}`) return process.execPath
  // The package `node` fetches the binary in an install script, which some configurations of npm skip.
  if (!existsSync(bin)) npm(['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts'])
  if (!existsSync(bin)) fail(`Node ${version} is not in node_modules; run "npm rebuild node" and look at what it says`)
  return bin
}

/** @param {string} message */
function fail(message) {
  console.error(message)
  process.exit(1)
}

const [command = '', ...rest] = process.argv.slice(2)
const program = programs[command]
if (program === undefined) fail(`usage: node scripts/run.mjs ${Object.keys(programs).join('|')} [arguments]`)
install()
const node = pinnedNode()
const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
const env = { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
const args = ['--conditions=wimse-source', '--disable-warning=ExperimentalWarning', join(root, program)]
if (command === 'check') args.push('--gates-only')
const child = spawn(node, [...args, ...rest], { cwd: root, stdio: 'inherit', env })
// The program cleans up after itself (containers, SPIRE processes): a signal is passed on, and its end is waited for.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => fail(`${program} did not start: ${error.message}`))
child.on('close', (status, signal) => {
  if (signal !== null) console.error(`${command} ended by ${signal}`)
  process.exitCode = status ?? 1
})
