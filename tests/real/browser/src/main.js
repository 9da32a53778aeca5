// Loads all its parts at once and talks over a WebSocket, as an application does; `window.done` says how that went.
import './style.css'

const parts = Object.values(import.meta.glob('./parts/*.js'))

function echo(text) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}/api/socket`)
    socket.onopen = () => socket.send(text)
    socket.onmessage = message => resolve(message.data)
    socket.onclose = event => reject(new Error(`the WebSocket was closed: ${event.code}`))
  })
}

async function load() {
  const loaded = await Promise.all(parts.map(part => part()))
  const health = await (await fetch('/api/health')).json()
  const said = await echo('through the gateway')
  document.querySelector('h1').textContent = 'ready'
  return { sum: loaded.reduce((sum, part) => sum + part.default, 0), health: health.status, said }
}

window.done = load()
