// Completions for bash and zsh.

/** @param commandLine see command-line.js */
export function bashCompletion({ commands }) {
  const [run, ...others] = commands
  const words = ({ options }) => options.map(({ flag }) => flag).join(' ')
  return `# bash completion of egress-exporter
_egress_exporter() {
	local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command=run word words
	# bash takes --flag=value for three words.
	[ "$cur" = = ] && cur=
	[ "$prev" = = ] && prev=\${COMP_WORDS[COMP_CWORD - 2]}
	for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in ${others.map(({ name }) => name).join(' | ')}) command=$word ;; esac
	done
	case $prev in
${bashValues(commands)}
	esac
	case $command in
	run) words='${others.map(({ name }) => name).join(' ')} ${words(run)}' ;;
${others.map((command) => `\t${command.name}) words='${[...command.actions, words(command)].join(' ')}' ;;`).join('\n')}
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _egress_exporter egress-exporter
`
}

function bashValues(commands) {
  const all = commands.flatMap(({ options }) => options).filter(({ value }) => value !== undefined)
  const sources = Object.groupBy(all, bashSource)
  return Object.entries(sources)
    .map(([source, options]) => {
      const flags = [...new Set(options.map(({ flag }) => flag))].join(' | ')
      if (source === '') return `\t${flags}) return ;;`
      return `\t${flags}) mapfile -t COMPREPLY < <(compgen ${source} -- "$cur"); return ;;`
    })
    .join('\n')
}

/** What compgen takes values from; empty: nobody knows them. */
function bashSource({ flag, value, choices }) {
  if (choices.length > 0) return `-W '${choices.join(' ')}'`
  if (value === 'path') return '-f'
  if (value === 'folder') return '-d'
  return value === 'name' && flag.startsWith('--interface') ? '-W "$(ls /sys/class/net)"' : ''
}

/** @param commandLine see command-line.js */
export function zshCompletion({ commands }) {
  const [run, ...others] = commands
  return `#compdef egress-exporter
# zsh completion of egress-exporter
case $words[2] in
${others.map((command) => `${command.name})\n${zshArguments(command)}\n\t;;`).join('\n')}
*)
${zshArguments(run, `'1:command:(${others.map(({ name }) => name).join(' ')})'`)}
	;;
esac
`
}

function zshArguments(
  { name, actions, options },
  first = actions.length > 0 ? `'2:action:(${actions.join(' ')})'` : '',
) {
  const lines = [...(first === '' ? [] : [first]), ...options.map(zshOption)]
  return `\t_arguments ${name === 'run' ? '' : `'1:command:(${name})' `}\\\n\t\t${lines.join(' \\\n\t\t')}`
}

function zshOption({ flag, value, help, choices }) {
  const shown = help.replaceAll("'", "'\\''").replace(/[[\]:\\]/g, '\\$&')
  if (value === undefined) return `'${flag}[${shown}]'`
  const source =
    choices.length > 0
      ? `(${choices.join(' ')})`
      : ({ path: '_files', folder: '_files -/', name: '_net_interfaces' }[value] ?? ' ')
  return `'*${flag}=[${shown}]:${value}:${source}'`
}
