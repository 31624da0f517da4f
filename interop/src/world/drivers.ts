import { createDockerDriver } from './docker-driver.ts'
import type { Driver } from './driver.ts'
import { createEmbeddedDriver } from './embedded-driver.ts'
import { createProcessDriver } from './process-driver.ts'

/** Every driver, in the order of the report. */
export const drivers: readonly Driver[] = [createDockerDriver(), createProcessDriver(), createEmbeddedDriver()]
