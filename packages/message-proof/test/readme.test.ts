import { readFileSync } from 'node:fs'
import { expect, it, vi } from 'vitest'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

it('the example of the README is the program here, and it works', async () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('./example.ts')
  expect(log).toHaveBeenCalledExactlyOnceWith('wimse://shop.example/orders', 'new')
})
