#!/bin/sh
# Resolve the locks anew: one an environment, for Python 3.9 to 3.11 at once, hash-pinned, without any index address.
set -eu
uv=${1:-uv}
cd "$(dirname "$0")/.."
command -v "$uv" >/dev/null || {
    echo "lock.sh: there is no '$uv' here: pip install -r requirements/uv.txt, or make lock UV=/path/to/uv" >&2
    exit 1
}

compile() {
    "$uv" pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url "$@"
}

for kind in cpu cu112; do
    compile pyproject.toml --python-version 3.9 --extra $kind --extra dist --extra book --extra dev \
        --constraint requirements/constraints.txt --override requirements/overrides.txt -o requirements/$kind.txt
done
echo uv | compile - --python-version 3.8 -o requirements/uv.txt
