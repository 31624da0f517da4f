/** What a browser of a test needs to have: anything like `fetch` that follows no redirect when told `redirect: 'manual'`. */
export type FetchPage = (input: string, init: RequestInit) => Promise<Response>

/** A page that wants something from its reader. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly html: string
}

/** A form as it stands in a page, with the values that it comes with. */
export interface Form {
  readonly action: URL
  readonly fields: readonly (readonly [name: string, value: string])[]
}

const MAX_REDIRECTS = 10

/** A browser that is one origin's guest: it keeps that origin's cookies, follows redirects within it, and stops where one leads elsewhere. */
export class Browser {
  readonly #origin: string
  readonly #fetch: FetchPage
  readonly #cookies = new Map<string, string>()

  constructor(origin: string, fetch: FetchPage) {
    this.#origin = origin
    this.#fetch = fetch
  }

  /** The page in the end, or the address elsewhere that the last redirect leads to. A page of status 0 where redirects lead nowhere. */
  async open(address: URL, form?: URLSearchParams): Promise<Page | URL> {
    let url = address
    let body = form
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      if (url.origin !== this.#origin) return url
      const response = await this.#fetch(url.href, {
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body !== undefined && { method: 'POST', body }),
      })
      this.#remember(response)
      const html = await response.text()
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || location === null) return { url, status: response.status, html }
      const next = URL.parse(location, url)
      if (next === null) break
      url = next
      body = undefined
    }
    return { url, status: 0, html: '' }
  }

  #remember(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';')
      const [, name = '', value = ''] = /^([^=]*)=(.*)$/.exec(pair.trim()) ?? []
      const ended = attributes.some((attribute) => /^\s*expires=thu, 01 jan 1970/i.test(attribute))
      if (ended) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }
}

/** The first form of a page; undefined where there is none, or one that leads to another origin. */
export function formOf({ url, html }: Page): Form | undefined {
  const [, attributes = '', content = ''] = /<form([^>]*)>([\s\S]*?)<\/form>/.exec(html) ?? []
  const action = URL.parse(attributeOf(attributes, 'action') ?? '', url)
  if (content === '' || action?.origin !== url.origin) return undefined
  const inputs = [...content.matchAll(/<(?:input|button)([^>]*)>/g)].map(([, text = '']) => text)
  return { action, fields: inputs.flatMap((text) => fieldOf(text)) }
}

function fieldOf(attributes: string): readonly (readonly [string, string])[] {
  const name = attributeOf(attributes, 'name')
  return name === undefined ? [] : [[name, attributeOf(attributes, 'value') ?? '']]
}

function attributeOf(attributes: string, name: string): string | undefined {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes) ?? []
  return value?.replace(/&#(\d+);/g, (_match, code: string) => String.fromCharCode(Number(code)))
}
