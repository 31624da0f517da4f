import { runProgram } from '@wimse/program'
import { decodeTokenServiceConfig } from './config/token-service-config.ts'
import { startTokenService } from './token-service.ts'

const USAGE = `The transaction token service of a trust domain.

Usage: node apps/token-service/src/main.ts --config FILE [--check]

  --config FILE  the configuration, JSON (see apps/token-service/README.md)
  --check        read the configuration, name its faults, and stop
  --help         show this text

Events go to standard error, one JSON object a line. SIGHUP reads the file with the keys again.
Exit status: 0 after SIGINT or SIGTERM, 1 when the service can not run, 2 for a wrong call or configuration.
`

await runProgram({
  usage: USAGE,
  decode: decodeTokenServiceConfig,
  async start(config, { log, runtime }) {
    const service = await startTokenService(config, { log, runtime })
    process.on('SIGHUP', () => void service.reloadKeys())
    return async () => {
      await service.close()
      log.event('service.stopped')
    }
  },
})
