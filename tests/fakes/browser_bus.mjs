// A page's script: a real ClientEventBus, and a real event client of TanStack AI's plugin that says what it is given.
import {ClientEventBus} from '@tanstack/devtools-event-bus/client'
import {EventClient} from '@tanstack/devtools-event-client'

const [port, host] = [Number(new URLSearchParams(location.search).get('port')), 'localhost']
const bus = new ClientEventBus({port, host, connectToServerBus: true})
bus.start()
const client = new EventClient({pluginId: 'tanstack-ai-devtools'})
const other = new EventClient({pluginId: 'another-plugin'})
window.heard = []
client.onAllPluginEvents(event => window.heard.push(event.type))
window.say = (events) => {
  for (const {type, payload} of events) client.emit(type.replace('tanstack-ai-devtools:', ''), payload)
  other.emit('something', {timestamp: 1})
}
