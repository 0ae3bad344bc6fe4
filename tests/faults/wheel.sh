#!/bin/sh
# Build the wheel and the sdist, install each in an environment with nothing else in it, and run the demo from
# there, outside the repository.
#     sh tests/faults/wheel.sh python3 'torch==2.13.0'
set -eu
python=$1
torch=$2
place=$(mktemp -d)
export XDG_STATE_HOME="$place/state" # the record of what the demo trains
trap 'rm -rf "$place"' EXIT
pip="pip --quiet --disable-pip-version-check"
"$python" -m venv "$place/build"
"$place/build/bin/python" -m $pip install build
"$place/build/bin/python" -m build --outdir "$place/dist" . >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }
for made in "$place"/dist/*.whl "$place"/dist/*.tar.gz; do
    echo "installing $(basename "$made") in an empty environment"
    "$python" -m venv --clear "$place/empty"
    "$place/empty/bin/python" -m $pip install "$torch"
    "$place/empty/bin/python" -m $pip install "$made"
    mkdir -p "$place/elsewhere"
    (cd "$place/elsewhere" && "$place/empty/bin/charlstm" --version)
    case $made in
    *.whl) (cd "$place/elsewhere" && "$place/empty/bin/charlstm" demo --minutes 1 && ls -l checkpoints/demo/report.html) ;;
    *) (cd "$place/elsewhere" && "$place/empty/bin/charlstm" corpora) ;;
    esac
done
