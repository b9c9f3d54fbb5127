# Completion of gdal_ndarray for bash: subcommands and options are those that the program itself lists.

_gdal_ndarray() {
  local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} subcommand='' word
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || { subcommand=$word && break; }
  done
  # Names at the beginnings of the lines of help: CLI11 writes "  -q,--quiet", "  -q,     --quiet", "  info   ...".
  local help names
  help=$("$program" ${subcommand:+"$subcommand"} --help 2>/dev/null) || return 0
  if [[ $current == -* ]]; then
    names=$(sed -nE 's/^ {2,12}(-.*)/\1/p' <<<"$help" | grep -oE '^(--?[[:alnum:]-]+(,[[:space:]]*)?)+' | tr ',' ' ')
  elif [ -z "$subcommand" ]; then
    names=$(sed -nE '/^(Subcommands|SUBCOMMANDS):/,$s/^  ([a-z]+) .*/\1/p' <<<"$help")
  else
    compopt -o default
    return 0
  fi
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current")
}

complete -F _gdal_ndarray gdal_ndarray
