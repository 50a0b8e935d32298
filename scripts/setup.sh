#!/bin/sh
# Make the environment that the lock describes, or bring it up to date: sh scripts/setup.sh [cpu|cu112]
#
# `cpu` lives in .venv, `cu112` (MXNet for GPUs) in .venv-cu112: both builds of MXNet fill the same folder.
# A stamp, written last, says what the environment was made from; while it holds, this script does nothing.
# Every package is checked against the hashes of requirements/, wherever pip takes it from. Where there is a folder
# wheelhouse/, as in what `make bundle` packs, the packages of `cpu` come from it, and no network is asked for.
set -eu

say() { printf 'gluonbook: %s\n' "$*"; }
fail() {
    printf 'gluonbook: %s\n' "$*" >&2
    exit 1
}

kind=${1:-cpu}
case $kind in
cpu) venv=.venv size='about 200 packages: 470 MB to fetch, 1.8 GB on disk, a minute or two' ;;
cu112) venv=.venv-cu112 size='about 210 packages: several GB to fetch, over 5 GB on disk, ten minutes or more' ;;
*) fail "there is no environment '$kind'; the environments are cpu and cu112" ;;
esac
from=
if [ "$kind" = cpu ] && [ -d "$(dirname -- "$0")/../wheelhouse" ]; then
    from='--no-index --find-links wheelhouse' size='about 200 packages from wheelhouse/: 1.8 GB on disk, a minute or two'
fi
case ${PYTHON:-} in # it may be relative to where we were called
/* | '') ;;
*/*) PYTHON=$PWD/$PYTHON ;;
esac
CDPATH='' cd -- "$(dirname -- "$0")/.."
root=$(pwd -P)
# Python makes no environment below a colon or what is not UTF-8, and the book is not built below ? and such as %20.
case $root in
*:* | *\?* | *%[0-9A-Fa-f][0-9A-Fa-f]* | *"
"*) odd=1 ;;
*) odd= ;;
esac
if command -v iconv >/dev/null 2>&1; then
    printf '%s' "$root" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 || odd=1
fi
[ -z "$odd" ] ||
    fail "the book cannot be set up in '$root': take colons, ?, %, line ends and what is not UTF-8 out of the names of its folders"
inner=$root/$venv/bin/python
stamp=$venv/.gluonbook-setup
wanted="$kind $(cat "requirements/$kind.txt" pyproject.toml | cksum) $root"

stamped() {
    line=
    [ ! -r "$stamp" ] || read -r line <"$stamp" || :
    printf '%s' "$line"
}

holds_packages() { # the folder may have been emptied, or the Python under it upgraded away
    "$inner" -I -c 'import sys; from importlib.util import find_spec as find
sys.exit(not (find("mxnet") and find("gluonbook")))' 2>/dev/null
}

[ "$(stamped)" != "$wanted" ] || ! holds_packages || exit 0

# ---------------------------------------------------------------------------------------------------------------------
# What may not be in the way: Python's own variables, and those of pip that say more than where packages come from.

unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONUSERBASE PYTHONINSPECT PYTHONDONTWRITEBYTECODE
unset PYTHONOPTIMIZE PYTHONVERBOSE PYTHONDEVMODE
unset VIRTUAL_ENV CONDA_PREFIX __PYVENV_LAUNCHER__
export PYTHONNOUSERSITE=1
PATH=$(printf '%s\n' "$PATH" | tr : '\n' | grep -vxF "$root/$venv/bin" | paste -s -d : -) # it may be active, and broken
for name in $(env | sed -n 's/^\(PIP_[A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in
    *INDEX* | PIP_FIND_LINKS | *CERT | PIP_TRUSTED_HOST | PIP_PROXY | *TIMEOUT | PIP_RETRIES | PIP_KEYRING_PROVIDER) ;;
    PIP_CACHE_DIR | PIP_NO_CACHE_DIR | PIP_CONFIG_FILE | PIP_USE_FEATURE | PIP_LOG) ;;
    *) unset "$name" ;;
    esac
done
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_REQUIRE_HASHES=0 PIP_NO_INPUT=1

# ---------------------------------------------------------------------------------------------------------------------
# The machine.

elsewhere='use WSL2 (Windows), a container with Debian or Ubuntu, or a Linux machine elsewhere'
newest=3.11
system=$(uname -s) processor=$(uname -m)
case $system/$processor in
Linux/x86_64 | Linux/amd64) ;;
Linux/aarch64 | Linux/arm64)
    [ "$kind" = cpu ] || fail "MXNet's build for GPUs exists for x86_64 alone, and this is $processor; the CPU build runs here"
    ;;
Darwin/x86_64) # some of the locked packages have wheels for Python 3.9 alone here
    [ "$kind" = cpu ] || fail "there is no MXNet for GPUs on macOS: $elsewhere"
    newest=3.9
    ;;
Darwin/*) fail "PyPI has no MXNet 1.9.1 for Apple silicon: $elsewhere" ;;
MINGW* | MSYS* | CYGWIN* | Windows*) fail "there is no MXNet 1.9.1 for Windows: $elsewhere" ;;
*) fail "there is no MXNet 1.9.1 for $system on $processor: $elsewhere" ;;
esac
[ -w . ] || fail "cannot write in $root"

# One set-up at a time: `make book` and `make test` may be called side by side.
if command -v flock >/dev/null 2>&1; then
    exec 9>.setup.lock
    flock -n 9 || {
        say 'another set-up is running here; waiting for it'
        flock 9
    }
    [ "$(stamped)" != "$wanted" ] || ! holds_packages || exit 0
fi

# ---------------------------------------------------------------------------------------------------------------------
# A Python: 3.9 to 3.11, CPython, 64 bits, glibc, able to make environments. Prints "ok", or what speaks against it.

examine() {
    "$1" -E -s -c '
import os, sys
newest = tuple(int(part) for part in sys.argv[1].split("."))
found = "is " + ".".join(str(part) for part in sys.version_info[:3])
libc = ""
if sys.platform.startswith("linux"):
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or "another C library"
    except ValueError:
        libc = "another C library"
libc_version = tuple(int(part) for part in libc.replace("glibc ", "").split(".")) if "glibc" in libc else (0, 0)
if not (3, 9) <= sys.version_info[:2] <= newest:
    print(found)
elif sys.implementation.name != "cpython":
    print(found + " of " + sys.implementation.name)
elif sys.maxsize < 2**32:
    print(found + " in 32 bits")
elif libc and libc_version < (2, 28):
    print(found + " on " + libc + ", while the packages need glibc 2.28 or later")
else:
    try:
        import ensurepip, venv
        ensurepip.version()
        print("ok")
    except Exception:
        print(found + " without venv, which Debian and Ubuntu keep in python%d.%d-venv" % sys.version_info[:2])
' "$newest" 2>/dev/null || :
}

find_python() { # sets python, or reasons
    python='' reasons=''
    if [ -n "${PYTHON:-}" ]; then
        verdict=$(examine "$PYTHON")
        [ "$verdict" = ok ] || fail "PYTHON=$PYTHON ${verdict:-does not run}; set it to a Python 3.9 to $newest that has venv, or not at all"
        python=$PYTHON
        return
    fi
    for candidate in python3.11 python3.10 python3.9 python3 python; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        verdict=$(examine "$candidate")
        case $verdict in
        ok)
            python=$(command -v "$candidate")
            return
            ;;
        '') ;; # a shim with no version behind it
        *glibc*) fail "$candidate $verdict: $elsewhere" ;;
        *) reasons="$reasons${reasons:+; }$candidate $verdict" ;;
        esac
    done
}

# ---------------------------------------------------------------------------------------------------------------------
# Where there is no such Python, uv can bring one; where there is no uv, any other Python can bring uv.

last_line() { printf '%s\n' "$1" | grep . | tail -n 1 | sed 's/^ *//'; }

find_uv() { # sets uv, or leaves it empty; helpless says why it could not be fetched
    helpless=
    for uv in uv .uv/bin/uv; do
        if "$uv" --version >/dev/null 2>&1; then return; fi
    done
    for candidate in python3 python python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do
        uv=.uv/bin/uv
        rm -rf .uv
        if "$candidate" -E -s -m pip --version >/dev/null 2>&1; then
            set -- "$candidate" -E -s -m pip install --target .uv
        elif "$candidate" -E -s -m venv .uv >/dev/null 2>&1; then
            set -- .uv/bin/python -m pip install
        else
            continue
        fi
        trouble=$("$@" --quiet --require-hashes --no-deps --only-binary :all: -r requirements/uv.txt 2>&1) || {
            helpless="uv, which brings one, could not be fetched: $(last_line "$trouble")"
            continue
        }
        if "$uv" --version >/dev/null 2>&1; then return; fi
    done
    rm -rf .uv
    uv=
}

make_with_uv() {
    [ "$newest" = 3.9 ] && range='==3.9.*' || range='>=3.9,<3.12'
    find_uv
    [ -n "$uv" ] || return 1
    say "no Python 3.9 to $newest here can be used, so uv is asked for one (35 MB)"
    if [ "$uv" != uv ]; then # then all of it stays in this folder
        export UV_PYTHON_INSTALL_DIR="$root/.uv/python" UV_CACHE_DIR="$root/.uv/cache"
    fi
    export UV_VENV_CLEAR=1
    trouble=$("$uv" venv --quiet --python "$range" "$venv" 2>&1) || {
        helpless="uv could not bring one: $(last_line "$trouble")"
        return 1
    }
    "$inner" -m ensurepip --default-pip >/dev/null 2>&1 || "$uv" venv --quiet --seed --python "$range" "$venv" >/dev/null 2>&1
}

remedy() { # what any Python needs to fetch uv; with a python3.11 of its own, a distribution's package makes the environment itself
    if command -v apt-get >/dev/null 2>&1; then
        printf "install what makes environments: 'sudo apt install python3-venv'"
    elif command -v dnf >/dev/null 2>&1; then
        printf "install a Python that can fetch one: 'sudo dnf install python3-pip'"
    else
        printf 'install one with your system, or uv, which brings one (https://docs.astral.sh/uv)'
    fi
}

make_environment() {
    find_python
    if [ -n "$python" ]; then
        say "making $venv with $python"
        trouble=$("$python" -E -s -m venv --clear "$venv" 2>&1) ||
            fail "$python could not make $venv: $(printf '%s\n' "$trouble" | tail -n 1)"
    else
        make_with_uv || {
            [ -n "$helpless" ] && what="$helpless; run this again when that is mended" || what="$(remedy), and run this again"
            fail "needs Python 3.9 to $newest${reasons:+, but }$reasons; $what"
        }
    fi
    printf 'unfinished\n' >"$stamp"
}

# An environment is used again when this script finished it for this folder, or when someone else made a sound one.
usable() {
    case $(stamped) in
    "$kind "*" $root" | "untested $root") ;;
    '') grep -qF "$root/$venv/bin/python" "$venv/bin/pip" 2>/dev/null || return 1 ;;
    *) return 1 ;;
    esac
    case $(examine "$inner") in ok | *' without venv'*) ;; *) return 1 ;; esac
    "$inner" -m pip --version >/dev/null 2>&1
}

# ---------------------------------------------------------------------------------------------------------------------
# Make it, fill it, try it, stamp it.

begun=$(date +%s)
if usable; then
    say "bringing $venv up to date"
    printf 'unfinished\n' >"$stamp"
else
    make_environment
    say "installing $size"
fi

diverted=$("$inner" -m pip config list 2>/dev/null | grep -E '^[^=]*\.(target|prefix|root)=' | sed 's/^[^.]*\.//; s/=.*//' || :)
[ -z "$diverted" ] || fail "pip's configuration sets '${diverted%%[!a-z]*}', so that packages would land elsewhere: \
take it out of the file that '$venv/bin/python -m pip config debug' names"

install() { "$inner" -m pip install --quiet --quiet --no-deps --only-binary :all: "$@"; } # twice quiet: errors alone

# flit builds the editable wheel itself, because a pip before 21.3 (Debian 11, RHEL 9) cannot ask it to.
install_gluonbook() {
    rm -rf "$venv/wheel"
    mkdir "$venv/wheel"
    "$inner" -c 'import sys; from flit_core.buildapi import build_editable; build_editable(sys.argv[1])' "$venv/wheel" >/dev/null &&
        install --force-reinstall --no-index --find-links "$venv/wheel" gluonbook &&
        rm -rf "$venv/wheel"
}

# shellcheck disable=SC2086
install $from --require-hashes -r "requirements/$kind.txt" ||
    fail "the packages could not be installed, for the reason given above; run this again when that is mended"
install_gluonbook || fail "gluonbook itself could not be installed, for the reason given above"
printf 'untested %s\n' "$root" >"$stamp"

trouble=$("$inner" -c 'from gluonbook.machine.libraries import link; link()
import mxnet' 2>&1) || case $trouble in
*libcuda.so.1*) fail "$venv is installed, but MXNet for GPUs needs NVIDIA's driver (libcuda.so.1), which this machine lacks; the CPU build does not: sh scripts/setup.sh cpu" ;;
*) fail "$venv is installed, but MXNet cannot be imported: $(printf '%s\n' "$trouble" | tail -n 1)" ;;
esac

printf '%s\n' "$wanted" >"$stamp"
say "$venv is ready, after $(($(date +%s) - begun)) s"
