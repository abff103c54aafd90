// What a --web.config.file takes, in one piece that is loaded where there is one.
export { access } from '../web/access.js'
export { WebConfigFile } from '../web/web-config-file.js'
