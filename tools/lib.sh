# shellcheck shell=bash
# Shared by the scripts of this project; sourced, never run.

# The wheel that brings c-blosc2 and, for the tests, python-blosc2.
blosc2_version=4.14.1

# blosc2_environment: prints the folder of the virtual environment that tools/setup installs it into.
# A new version of Python or of the wheel gets a new one.
blosc2_environment() {
  local python_version home=~ # the user's even where HOME is not set
  python_version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
  echo "${XDG_CACHE_HOME:-$home/.cache}/gdal-ndarray/blosc2-$blosc2_version-python$python_version"
}

# blosc2_root: prints the folder of c-blosc2 in there, for -DBlosc2_ROOT=, or nothing.
blosc2_root() {
  compgen -G "$(blosc2_environment)/lib/python3*/site-packages/blosc2" || true
}

# find_python [MODULE...]: prints the first Python that can import the modules (default: what the
# tests need). Not simply `python3`: GDAL's bindings belong to the distribution's own Python, and
# another one (pyenv, conda) is often first on PATH. $PYTHON overrides, and must then fit.
find_python() {
  local candidate modules
  [ $# -gt 0 ] || set -- osgeo numpy pytest
  modules=$(printf ', %s' "$@")
  modules=${modules:2}
  for candidate in ${PYTHON:+"$PYTHON"} \
    ${PYTHON:-"$(blosc2_environment)/bin/python" python3 /usr/bin/python3}; do
    if "$candidate" -c "import $modules" >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "no Python that can import $modules (tried: ${PYTHON:-python3, /usr/bin/python3});" \
    "run tools/setup, or name one in PYTHON" >&2
  return 1
}

# machine_mirror: prints where this machine's apt has its packages from, or nothing.
machine_mirror() {
  # shellcheck disable=SC2016  # apt expands it
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep -m 1 -E '/debian/?$' || true
}
