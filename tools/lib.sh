# shellcheck shell=bash
# Shared by the scripts of this project; sourced, never run.

# find_python [MODULE...]: prints the first Python that can import the modules (default: what the
# tests need). Not simply `python3`: GDAL's bindings belong to the distribution's own Python, and
# another one (pyenv, conda) is often first on PATH. $PYTHON overrides, and must then fit.
find_python() {
  local candidate modules
  [ $# -gt 0 ] || set -- osgeo numpy pytest
  modules=$(printf ', %s' "$@")
  modules=${modules:2}
  for candidate in ${PYTHON:+"$PYTHON"} ${PYTHON:-python3 /usr/bin/python3}; do
    if "$candidate" -c "import $modules" >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "no Python that can import $modules (tried: ${PYTHON:-python3, /usr/bin/python3});" \
    "run tools/setup, or name one in PYTHON" >&2
  return 1
}
