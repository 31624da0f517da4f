import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { KnipConfig } from 'knip'

/** A package that is laid out and not written yet: what it will import isn't unused. */
function isEmpty(index: string): boolean {
  return readFileSync(index, 'utf8').trim() === 'export {}'
}

const empty = globSync('{packages,apps}/*/src/index.ts').filter(isEmpty)

const config: KnipConfig = {
  ignore: ['**/generated/**'],
  // Found on the machine, or reported as not run: go builds SPIRE, docker and ldd serve its containers.
  ignoreBinaries: ['go', 'docker', 'ldd'],
  // `node` is the pinned Node itself, `turbo` is started by scripts/gates/steps.ts. Tests of packages that @wimse/testing is made of use
  // it too: named in their package.json it would be a cycle.
  ignoreDependencies: ['node', 'turbo', '@wimse/testing'],
  ignoreExportsUsedInFile: { interface: true, type: true },
  workspaces: {
    '.': { entry: ['scripts/*.{ts,mjs}', 'scripts/test/*.test.ts'], project: ['scripts/**/*.{ts,mjs}'] },
    'packages/*': { entry: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/*.ts'], project: ['{src,test,bench,scripts}/**/*.ts'] },
    'apps/shop/*': { entry: ['src/main.ts', 'test/**/*.ts'], project: ['{src,test}/**/*.ts'] },
    'apps/*': { entry: ['src/main.ts', 'test/**/*.ts', 'bench/*.bench.ts', 'bench/probe.ts'], project: ['{src,test,bench}/**/*.ts'] },
    interop: {
      // The suite starts these as programs of their own.
      entry: ['src/main.ts', 'src/shop/main.ts', 'src/workload/main.ts', 'src/spire/smoke.ts', 'test/**/*.ts'],
      project: ['{src,test}/**/*.ts'],
    },
    ...Object.fromEntries(empty.map((index) => [dirname(dirname(index)), { ignoreDependencies: ['.+'] }])),
  },
}

export default config
