import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['wimse-source'] },
  ssr: { resolve: { conditions: ['wimse-source'] } },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'apps/*/test/**/*.test.ts',
      'apps/shop/*/test/**/*.test.ts',
      'interop/test/**/*.test.ts',
      'scripts/test/**/*.test.ts',
    ],
    environment: 'node',
    pool: 'forks',
    execArgv: ['--conditions=wimse-source'],
    testTimeout: 20_000,
    passWithNoTests: true,
  },
})
