// What an application does with Supabase's client, once for each key, and what came of it, as JSON.
//   node client.mjs URL '{"NAME": "KEY", ...}'
import { createHash } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const [url, keys] = [process.argv[2], JSON.parse(process.argv[3])]
const FILE = Buffer.alloc(3_000_000, 'all kinds of bytes \0\xff ', 'latin1')
const sha1 = bytes => createHash('sha1').update(bytes).digest('hex')
const brief = ({ status, error, data }) => ({ status, code: error?.code || error?.message, data })
const refusal = error => error && { status: Number(error.status ?? error.context?.status) || error.statusCode, message: error.message }

async function database(client, number) {
  const row = { id: number, body: 'ä', open: true }
  return {
    select: brief(await client.from('notes').select('id').lte('id', 2).order('id')),
    insert: brief(await client.from('notes').insert(row).select('body')),
    again: brief(await client.from('notes').insert(row)),
    rpc: brief(await client.rpc('whoami')),
  }
}

async function storage(client, name) {
  const bucket = client.storage.from('files')
  const up = await bucket.upload(`${name}/a b.bin`, new Blob([FILE]), { contentType: 'application/octet-stream' })
  const down = up.error ? null : await bucket.download(`${name}/a b.bin`)
  const same = down?.data && sha1(Buffer.from(await down.data.arrayBuffer())) === sha1(FILE)
  return { upload: up.data?.path ?? refusal(up.error), same }
}

async function invoke(client) {
  const { data, error } = await client.functions.invoke('greet', { body: { name: 'Ada' } })
  return data ?? refusal(error)
}

// The state that a channel comes to, and the message that goes through it and back.
function realtime(client) {
  const channel = client.channel('room', { config: { broadcast: { self: true } } })
  return new Promise(resolve => {
    setTimeout(() => resolve({ state: 'nothing happened' }), 10_000).unref()
    channel.on('broadcast', { event: 'said' }, ({ payload }) => resolve({ state: 'SUBSCRIBED', heard: payload }))
    channel.subscribe(state => {
      if (state === 'SUBSCRIBED') channel.send({ type: 'broadcast', event: 'said', payload: { text: 'ö' } })
      else resolve({ state })
    })
  })
}

// Sent without a socket.
async function announce(client) {
  const channel = client.channel('other')
  return channel.httpSend('said', { text: 'ö' }).then(({ success, status }) => success || status, error => String(error.message))
}

// A user's own token takes the place of the key's, but for the key itself.
async function user(client, name, number) {
  const credentials = { email: `${name}@example.com`, password: 'Passw0rd of the test' }
  const up = await client.auth.signUp(credentials)
  if (up.error) return refusal(up.error)
  await client.auth.signOut()
  const inside = await client.auth.signInWithPassword(credentials)
  if (inside.error) return refusal(inside.error)
  await client.from('notes').insert({ id: 1000 + number, body: 'mine' })
  return {
    token: inside.data.session.access_token,
    rpc: brief(await client.rpc('whoami')),
    own: brief(await client.from('notes').select('body').gte('id', 1000)),
    upload: (await storage(client, `${name}-user`)).same,
  }
}

async function everything(name, key, number) {
  const client = createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: { 'x-case': name } },
    realtime: { transport: ws, params: { case: name } },
  })
  return { ...await database(client, number), ...await storage(client, name), function: await invoke(client),
    ...await realtime(client), announced: await announce(client), user: await user(client, name, number) }
}

const names = Object.keys(keys)
const results = await Promise.all(names.map((name, at) => everything(name, keys[name], 10 + at)))
console.log(JSON.stringify(Object.fromEntries(names.map((name, at) => [name, results[at]]))))
process.exit(0)
