import { type Check, CheckFailure, type WorldName } from '../../suite/check.ts'
import { describeFinding, scanForSecrets } from '../../suite/secret-scan.ts'

/** After everything else, whatever else ran. */
const LAST_PHASE = 1000

/** Reads everything that the run has printed and stored in a world, and finds no token and no private key. */
export const noSecretsChecks: readonly Check[] = (['main', 'ec-p384', 'rsa-2048'] satisfies WorldName[]).map((name) => ({
  id: `single-hop.secrets.none${name === 'main' ? '' : `.${name}`}`,
  title: 'no token and no private key in anything that was printed or stored',
  scenario: 'single-hop',
  kind: 'positive',
  requirements: ['WPT-3.1.5-01', 'WPT-3.2-01', 'CRED-9.4-01'],
  world: name,
  phase: LAST_PHASE,
  always: true,
  async run({ world, own }) {
    const logs = await world.logs()
    if (!logs.some(({ text }) => text !== '')) throw new CheckFailure('the world printed nothing: there is nothing to read')
    const texts = [...own(), ...logs, ...(await world.stored())]
    const read = texts.map(({ name: where, text }) => ({ where, characters: text.length }))
    const findings = scanForSecrets(texts).map(describeFinding)
    if (findings.length > 0) throw new CheckFailure(`found ${findings.length}: ${findings.slice(0, 3).join('; ')}`, { findings, read })
    return { read }
  },
}))
