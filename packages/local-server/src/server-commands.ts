import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

/** How a program is started, and what can be done to it. */
export interface ServerCommands {
  start(options: readonly string[]): ChildProcess
  kill(child: ChildProcess): unknown
  pause(child: ChildProcess): unknown
  resume(child: ChildProcess): unknown
}

/** By signals. */
export function ofBinary(binary: string): ServerCommands {
  return {
    start: (options) => spawn(binary, options, { stdio: ['ignore', 'pipe', 'pipe'] }),
    kill: (child) => child.kill('SIGKILL'),
    pause: (child) => child.kill('SIGSTOP'),
    resume: (child) => child.kill('SIGCONT'),
  }
}

/** The same in a container that has the network and the files of this machine. */
export function ofImage(image: string, program: string, paths: readonly string[]): ServerCommands {
  const name = `${program}-${process.pid}-${Math.trunc(performance.now() * 1000)}`
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const volumes = paths.flatMap((path) => ['--volume', `${path}:${path}`])
  const docker = async (command: string): Promise<void> => {
    await promisify(execFile)('docker', [command, name])
  }
  return {
    start: (options) => {
      const container = ['--rm', '--name', name, '--network', 'host', '--user', user, '--entrypoint', program, ...volumes]
      return spawn('docker', ['run', ...container, image, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
    },
    kill: () => docker('kill'),
    pause: () => docker('pause'),
    resume: () => docker('unpause'),
  }
}
