import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../../world/world.ts'
import type { ShopScene } from './shop-check.ts'
import { claimsOf } from './tokens.ts'

/** Checks that wait run after the others, so that most of the waiting is over by then. */
export const AGED_PHASE = 9
/** A lifetime of a minute, the tolerance of clocks, and the check itself. */
export const AGED_TIMEOUT_MS = 150_000
/** Of access tokens and grants; transaction tokens have none. */
export const CLOCK_TOLERANCE_SECONDS = 30

/** Something that is obtained once in a world, by the first check that asks for it, and is old when the last one looks. */
export function aged<T>(obtain: (scene: ShopScene) => Promise<T>): (scene: ShopScene) => Promise<T> {
  const held = new WeakMap<World, Promise<T>>()
  return (scene) => {
    const { world } = scene.context
    const found = held.get(world) ?? obtain(scene)
    held.set(world, found)
    // Who began it does not look at how it ended.
    found.catch(() => undefined)
    return found
  }
}

/** Waits until nobody takes the token any more. */
export async function outlive(token: string, toleranceSeconds = 0): Promise<void> {
  const end = (Number(claimsOf(token)['exp']) + toleranceSeconds + 1) * 1000
  await sleep(Math.max(0, end - Date.now()))
}
