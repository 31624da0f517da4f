import { startBenchWorld } from './bench-world.ts'
import { requestKinds } from './request-kinds.ts'

const CONNECTIONS = 32

/** For `npm run bench -- token-service`. */
export const loads = [
  {
    name: 'token-service',
    goals: { share: 0.4, p99Ms: 20 },
    async start() {
      const world = await startBenchWorld(CONNECTIONS)
      const kinds = await requestKinds(world)
      return {
        kinds: kinds.map(({ name, operations, request }) => ({
          name,
          operations,
          async prepare(count: number) {
            const calls: (() => Promise<void>)[] = []
            while (calls.length < count) calls.push(world.prepared(await request()))
            return calls
          },
        })),
        processorTime: async () => (await world.service.footprint()).processorTime,
        close: () => world.close(),
      }
    },
  },
]
