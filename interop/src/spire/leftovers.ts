import { hostname } from 'node:os'
import type { ContainerEngine } from './container-engine.ts'

/** Says which process of which machine a container belongs to. */
export const OWNER_LABEL = 'org.wimse.owner'

export function ownerOf(pid: number): string {
  return `${hostname()}/${pid}`
}

/** Removes containers, and the networks they were on, whose process on this machine ended without doing it. */
export async function removeLeftovers({ client }: ContainerEngine): Promise<number> {
  const { dockerode } = client.container
  const containers = await dockerode.listContainers({ all: true, filters: { label: [OWNER_LABEL] } })
  const leftovers = containers.filter(({ Labels: labels }) => isLeftover(labels[OWNER_LABEL] ?? ''))
  const networks = new Set<string>()
  for (const { Id: id, NetworkSettings: settings } of leftovers) {
    for (const [name, { NetworkID: network }] of Object.entries(settings.Networks)) {
      if (name !== 'bridge') networks.add(network)
    }
    await dockerode.getContainer(id).remove({ force: true, v: true })
  }
  // One that others are on stays.
  await Promise.allSettled([...networks].map((network) => dockerode.getNetwork(network).remove()))
  return leftovers.length
}

/** Whether an owner is a process of this machine that has ended. Other machines' processes can't be judged from here. */
export function isLeftover(owner: string): boolean {
  const prefix = `${hostname()}/`
  const pid = Number(owner.slice(prefix.length))
  if (!owner.startsWith(prefix) || !Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (failure) {
    return failure instanceof Error && 'code' in failure && failure.code === 'ESRCH'
  }
}
