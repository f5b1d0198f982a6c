// A real ServerEventBus on the port of the first argument. It says on its bus what comes by standard input, a message a line,
// as an application's event client would, and prints a line when it listens and for every client.
import {createInterface} from 'node:readline'
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'

const require = createRequire(pathToFileURL(`${process.argv[3]}/`))
const {ServerEventBus} = await import(pathToFileURL(require.resolve('@tanstack/devtools-event-bus/server')))
const bus = new ServerEventBus({port: Number(process.argv[2]), host: '127.0.0.1'})
const port = await bus.start()
globalThis.__TANSTACK_DEVTOOLS_WSS_SERVER__.on('connection', () => console.log('client'))
console.log(`listening ${port}`)
for await (const line of createInterface({input: process.stdin})) {
  globalThis.__TANSTACK_EVENT_TARGET__.dispatchEvent(new CustomEvent('tanstack-dispatch-event', {detail: JSON.parse(line)}))
}
