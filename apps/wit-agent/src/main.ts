import { runProgram } from '@wimse/program'
import { decodeWitAgentConfig } from './config/wit-agent-config.ts'
import { startWitAgent } from './wit-agent.ts'

const USAGE = `Serves WIT-SVIDs for a SPIRE whose agent serves none.

Usage: node apps/wit-agent/src/main.ts --config FILE [--check]

  --config FILE  the configuration, JSON (see apps/wit-agent/README.md)
  --check        read the configuration, name its faults, and stop
  --help         show this text

Events go to standard error, one JSON object a line.
Exit status: 0 after SIGINT or SIGTERM, 1 when the agent can not run, 2 for a wrong call or configuration.
`

await runProgram({
  usage: USAGE,
  decode: decodeWitAgentConfig,
  async start(config, { log, runtime, stop }) {
    const agent = await startWitAgent(config, { log, runtime })
    // An address that can't be had is no passing trouble: whoever started the agent has to know.
    agent.ready().catch(() => stop(1))
    return async () => {
      await agent.close()
      log.event('agent.stopped')
    }
  },
})
