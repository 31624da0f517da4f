/** Whether a text is an absolute URI, as `iss` has to be (CRED-5.1-06). White space around it, which the URL parser would cut, is none of it. */
export function isUri(text: string): boolean {
  return URL.canParse(text) && /^[\x21-\x7e]+$/.test(text)
}
