// npm run build: everything that npm start needs.
import { setup } from './setup.js'

setup()
