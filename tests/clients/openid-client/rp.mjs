// A web application with openid-client: discovery, registration, code + PKCE, ID token, userinfo, refresh, introspection,
// revocation.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import * as oidc from 'openid-client'

const base = new URL(process.env.BASE)
const callback = 'http://127.0.0.1:9/cb'
const scope = 'openid email profile offline_access'
// Plain http, on the loopback address only.
const insecure = { execute: [oidc.allowInsecureRequests] }
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const unescaped = (text) =>
  text.replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, number) => String.fromCodePoint(Number(number)))
    .replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

// The hidden fields of the form that holds the marker, and where it goes.
function form (page, marker) {
  const part = page.split('<form').slice(1).map((text) => text.split('</form>')[0]).find((text) => text.includes(marker))
  assert(part, page)
  const values = new URLSearchParams()
  for (const [tag] of part.matchAll(/<input[^>]*>/g)) {
    if (!tag.includes('type="hidden"')) continue
    values.set(tag.match(/name="([^"]*)"/)[1], unescaped(tag.match(/value="([^"]*)"/)?.[1] ?? ''))
  }
  return { values, action: unescaped(part.match(/action="([^"]*)"/)[1]) }
}

// A browser: cookies, and redirections until it is sent somewhere else.
class Browser {
  cookies = new Map()

  async visit (url, body) {
    for (;;) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await fetch(url, { method: body ? 'POST' : 'GET', body, headers: { cookie }, redirect: 'manual' })
      for (const line of answer.headers.getSetCookie()) {
        const [name, value] = line.split(';')[0].split(/=(.*)/s)
        this.cookies.set(name, value)
      }
      const location = answer.headers.get('location')
      if (!location) return { url, page: await answer.text(), status: answer.status }
      url = new URL(location, url)
      body = undefined
      if (url.href.startsWith(callback)) return { url }
    }
  }
}

async function personAgrees (url) {
  const browser = new Browser()
  let at = await browser.visit(url)
  const login = form(at.page, 'name="password"')
  login.values.set('username', process.env.USERNAME)
  login.values.set('password', process.env.PASSWORD)
  at = await browser.visit(new URL(login.action, at.url), login.values)
  // A consent that is remembered leads back without a question.
  if (at.page === undefined) return at.url
  const consent = form(at.page, 'code_challenge')
  consent.values.set('action', 'approve')
  at = await browser.visit(new URL(consent.action, at.url), consent.values)
  assert(at.url.href.startsWith(callback), at.page)
  return at.url
}

async function wholeJourney (config, server, clientId) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const expectedNonce = oidc.randomNonce()
  const back = await personAgrees(oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  }))
  const tokens = await oidc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true
  })
  const claims = tokens.claims()
  assert.equal(claims.aud, clientId)
  const person = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(person.preferred_username, process.env.USERNAME)
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(fresh.access_token, tokens.access_token)
  const seen = await oidc.tokenIntrospection(server, fresh.access_token)
  assert(seen.active && seen.client_id === clientId, JSON.stringify(seen))
  await oidc.tokenRevocation(config, fresh.refresh_token ?? tokens.refresh_token)
  assert.equal((await oidc.tokenIntrospection(server, fresh.access_token)).active, false)
}

const { CLIENT_ID: id, CLIENT_SECRET: secret } = process.env
// Both documents are found: that of OpenID Connect, and that of RFC 8414, which has the introspection endpoint.
async function bothWays (clientId, auth) {
  const config = await oidc.discovery(base, clientId, {}, auth, insecure)
  const server = await oidc.discovery(base, clientId, {}, auth, { ...insecure, algorithm: 'oauth2' })
  assert.equal(config.serverMetadata().token_endpoint, server.serverMetadata().token_endpoint)
  await wholeJourney(config, server, clientId)
}

await bothWays(id, oidc.ClientSecretBasic(secret))

const wanted = {
  client_name: 'openid-client',
  redirect_uris: [callback],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_post',
  scope
}
const registered = await oidc.dynamicClientRegistration(base, wanted, undefined, { ...insecure, algorithm: 'oauth2' })
const client = registered.clientMetadata()
console.log(`APPROVE ${client.client_id}`)
await lines.next()
await bothWays(client.client_id, oidc.ClientSecretPost(client.client_secret))
console.log('DONE')
process.exit(0)
