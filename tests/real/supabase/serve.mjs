// A server that is compatible with PostgREST and GoTrue, on PostgreSQL. What comes to it is noted in the file SEEN, a
// line of JSON each.
import { appendFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { App } from '@supabase/lite'
import { createPostgresConnection } from '@supabase/lite/postgres'

const { DATABASE_URL, JWT_SECRET, PORT, SEEN } = process.env
const app = new App({
  connection: createPostgresConnection({ url: DATABASE_URL, postgresOptions: { onnotice: () => {} } }),
  api: { schemas: ['public', 'graphql_public'] },
  auth: { enabled: true, jwt_secret: JWT_SECRET },
})
await app.ensureSystemSchema()
await app.init()
// The first request sets up the database's privileges: if several are the first at once, some of them fail.
await app.fetch(new Request('http://127.0.0.1/rest/v1/notes'))

const pairs = list => list.flatMap((name, at) => at % 2 ? [] : [[name.toLowerCase(), list[at + 1]]])

function fetch(request, { incoming }) {
  const { method, url: target, rawHeaders } = incoming
  const service = target.startsWith('/auth/v1') ? 'auth' : 'rest'
  appendFileSync(SEEN, JSON.stringify({ service, method, target, headers: pairs(rawHeaders) }) + '\n')
  return app.fetch(request)
}

serve({ fetch, port: Number(PORT), hostname: '127.0.0.1' })
