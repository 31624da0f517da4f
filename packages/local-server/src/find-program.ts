import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** A server that tests run for real. */
export interface ServerProgram {
  /** Its command, in PATH and in the image: `redis-server`. */
  readonly name: string
  /** The environment variable that names a binary in place of PATH. */
  readonly variable: string
  /** Of the same, for where no binary is: `redis:7`. */
  readonly image: string
  /** Where others expect one: tests never listen there, what answers there isn't theirs. */
  readonly usualPort: number
  /** What it writes once it takes connections. */
  readonly ready: string
}

/** How a program can be had here. */
export type FoundProgram =
  | { readonly binary: string }
  /** An engine that can give the image. */
  | { readonly image: string }
  | { readonly missing: string }

/** Looks for a program: the binary that its variable names, PATH, its image. Says why when there is none. */
export async function findProgram(
  { name, variable, image }: ServerProgram,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<FoundProgram> {
  const { [variable]: named, PATH = '' } = environment
  const candidates = named === undefined ? PATH.split(delimiter).map((folder) => join(folder, name)) : [named]
  for (const binary of candidates) {
    const usable = await access(binary, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return { binary }
  }
  if (named !== undefined) return { missing: `${variable} names no program` }
  const pulled = await promisify(execFile)('docker', ['pull', '--quiet', image], { timeout: 120_000 }).then(
    () => true,
    () => false,
  )
  return pulled ? { image } : { missing: `no ${name} in PATH, and no engine that gives ${image}` }
}
