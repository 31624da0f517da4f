import { type Check, CheckFailure, type ScenarioName, type WorldName } from '../../suite/check.ts'
import { describeFinding, scanForSecrets } from '../../suite/secret-scan.ts'

/** After everything else, whatever else ran. */
const LAST_PHASE = 1000

const WORLDS: readonly { readonly world: WorldName; readonly scenario: ScenarioName; readonly suffix: string }[] = [
  { world: 'main', scenario: 'single-hop', suffix: '' },
  { world: 'shop', scenario: 'on-behalf-of-user', suffix: '' },
  { world: 'ec-p384', scenario: 'single-hop', suffix: '.ec-p384' },
  { world: 'rsa-2048', scenario: 'single-hop', suffix: '.rsa-2048' },
]

/** Reads everything that the run has printed and stored in a world, and finds no token, no private key, and nobody's password in what was printed. */
export const noSecretsChecks: readonly Check[] = WORLDS.map(({ world: name, scenario, suffix }) => ({
  id: `${scenario}.secrets.none${suffix}`,
  title: 'no token and no private key in anything that was printed or stored',
  scenario,
  kind: 'positive',
  requirements: ['WPT-3.1.5-01', 'WPT-3.2-01', 'CRED-9.4-01', ...(name === 'shop' ? ['TXN-15.2-01'] : [])],
  world: name,
  phase: LAST_PHASE,
  always: true,
  async run({ world, own }) {
    const logs = await world.logs()
    if (!logs.some(({ text }) => text !== '')) throw new CheckFailure('the world printed nothing: there is nothing to read')
    const printed = [...own(), ...logs]
    const texts = [...printed, ...(await world.stored())]
    const read = texts.map(({ name: where, text }) => ({ where, characters: text.length }))
    const findings = [...scanForSecrets(texts).map(describeFinding)]
    // The configuration of the identity provider has to have them.
    for (const { name: where, text } of printed) {
      if (world.shop?.passwords.some((password) => text.includes(password)) === true) findings.push(`password in ${where}`)
    }
    if (findings.length > 0) throw new CheckFailure(`found ${findings.length}: ${findings.slice(0, 3).join('; ')}`, { findings, read })
    return { read }
  },
}))
