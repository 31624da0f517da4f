import type { Check } from '../../suite/check.ts'
import { attackChecks } from '../attack.ts'

const ELSEWHERE = 'https://elsewhere.example/charges'

/** A proof that was made for somebody else is worth nothing here. */
export const anotherAudienceChecks: readonly Check[] = [
  attackChecks({
    name: 'another-audience',
    title: 'a WPT for another recipient',
    proof: 'wpt',
    requirements: ['WPT-2-34', 'WPT-3.1.7-01', 'WPT-3.1.7-04'],
    change: { audience: ELSEWHERE },
    expect: { refused: 'ERR_WPT_AUD' },
  }),
  attackChecks({
    name: 'another-audience',
    title: 'a signature for another recipient',
    proof: 'http-signature',
    requirements: ['SIG-3.2-02', 'SIG-3.2-06'],
    change: { audience: ELSEWHERE },
    expect: { refused: 'ERR_HTTP_SIGNATURE_AUD' },
  }),
  attackChecks({
    name: 'another-audience',
    title: 'a JWT-SVID for another recipient',
    proof: 'jwt-svid',
    requirements: ['JSVID-3.2-03'],
    change: { audience: ELSEWHERE },
    expect: { refused: 'ERR_JWT_SVID_AUD' },
  }),
].flat()
