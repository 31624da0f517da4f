import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { consentPage, errorPage, loginPage } from '../src/pages.ts'
import { Browser, formOf } from '../src/user/browser.ts'

const url = new URL('https://login.shop.example/interaction/1')

describe('the forms of the pages', () => {
  test('are read as they were written, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), fc.string(), (scope, client) => {
        const html = consentPage('/interaction/1', { client, resource: client, scope })
        expect(formOf({ url, status: 200, html })).toEqual({
          action: url,
          fields: [...scope.map((value) => ['scope', value]), ['decision', 'allow']],
        })
      }),
    )
  })

  test('hold nothing that somebody else wrote as markup', () => {
    const hostile = '"><script>alert(1)</script>'
    for (const html of [
      errorPage(hostile),
      loginPage(hostile, true),
      consentPage('/', { client: hostile, resource: hostile, scope: [hostile] }),
    ]) {
      expect(html).not.toContain('<script>')
    }
  })

  const foreign: readonly (readonly [title: string, html: string])[] = [
    ['to another origin', '<form action="https://elsewhere.example/"><input name="password"></form>'],
    ['to no address', '<form action="https://["><input name="password"></form>'],
    ['without content', '<form action="/"></form>'],
    ['that are none', '<p>nothing</p>'],
  ]
  test.each(foreign)('%s are not filled in', (_title, html) => {
    expect(formOf({ url, status: 200, html })).toBeUndefined()
  })

  test('in any page at all are read or not, and nothing is thrown', () => {
    fc.assert(fc.property(fc.string(), (text) => void formOf({ url, status: 200, html: `<form ${text}>${text}</form>` })))
  })
})

describe('the browser', () => {
  const redirecting = (location: string) => {
    const asked: string[] = []
    const fetch = async (input: string): Promise<Response> => {
      asked.push(input)
      return new Response(null, { status: 302, headers: { location } })
    }
    return { asked, browser: new Browser(url.origin, fetch) }
  }

  test('asks nobody but its origin', async () => {
    const { asked, browser } = redirecting('https://elsewhere.example/?code=1')
    expect(await browser.open(url)).toEqual(new URL('https://elsewhere.example/?code=1'))
    expect(asked).toEqual([url.href])
  })

  test.each(['/again', 'https://['])('ends where redirects lead nowhere: %s', async (location) => {
    expect(await redirecting(location).browser.open(url)).toMatchObject({ status: 0 })
  })

  test('keeps cookies, and lets go of those that ended', async () => {
    const sent: (string | null)[] = []
    const lines = ['a=1; path=/', 'b=x=y; secure', 'a=; expires=Thu, 01 Jan 1970 00:00:00 GMT']
    const browser = new Browser(url.origin, async (_input, init) => {
      sent.push(new Headers(init.headers).get('cookie'))
      return new Response('', { headers: { 'set-cookie': lines.shift() ?? 'c=3' } })
    })
    for (let page = 0; page < 4; page += 1) await browser.open(url)
    expect(sent).toEqual(['', 'a=1', 'a=1; b=x=y', 'b=x=y'])
  })
})
