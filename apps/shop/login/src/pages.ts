/** Plain HTML, no script, nothing from elsewhere: what the header fields below allow is all that there is. */
export const PAGE_FIELDS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  // No form-action: browsers would apply it to the redirect back to the client as well.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** The form that asks who the user is. */
export function loginPage(action: string, failed: boolean): string {
  const notice = failed ? '<p role="alert">Name or password is wrong.</p>' : ''
  return page(
    'Sign in',
    `${notice}<form method="post" action="${escapeHtml(action)}">
<p><label>Name <input name="user" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Sign in</button></p>
</form>`,
  )
}

/** The form that asks what the client may do: each scope value can be left out. */
export function consentPage(
  action: string,
  consent: { readonly client: string; readonly resource: string; readonly scope: readonly string[] },
): string {
  const values = consent.scope.map((value) => {
    const escaped = escapeHtml(value)
    return `<p><label><input type="checkbox" name="scope" value="${escaped}" checked> ${escaped}</label></p>`
  })
  return page(
    'Allow this?',
    `<p>${escapeHtml(consent.client)} wants to do this for you at ${escapeHtml(consent.resource)}:</p>
<form method="post" action="${escapeHtml(action)}">
${values.join('\n')}
<p><button name="decision" value="allow">Allow</button></p>
</form>`,
  )
}

/** For what can't be told to the client, such as a redirect URI that isn't its own. */
export function errorPage(error: string): string {
  return page('This did not work', `<p>The request was refused: <code>${escapeHtml(error)}</code></p>`)
}

function page(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>\n${body}\n</body></html>\n`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
