#!/bin/sh
# Build the wheel and the sdist, and install each in an empty environment. From a folder outside the repository,
# run the demo with the wheel and one short command with the sdist.
#     sh tests/faults/wheel.sh python3 'torch==2.13.0'
set -eu
python=$1
torch=$2
work=$(mktemp -d)
export XDG_STATE_HOME="$work/state" # the record of what the demo trains
trap 'rm -rf "$work"' EXIT
pip="pip --quiet --disable-pip-version-check"
"$python" -m venv "$work/build"
"$work/build/bin/python" -m $pip install build
"$work/build/bin/python" -m build --outdir "$work/dist" . >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for package in "$work"/dist/*.whl "$work"/dist/*.tar.gz; do
    echo "installing $(basename "$package") in an empty environment"
    "$python" -m venv --clear "$work/empty"
    "$work/empty/bin/python" -m $pip install "$torch"
    "$work/empty/bin/python" -m $pip install "$package"
    mkdir -p "$work/elsewhere"
    (cd "$work/elsewhere" && "$work/empty/bin/charlstm" --version)
    case $package in
    *.whl) (cd "$work/elsewhere" && "$work/empty/bin/charlstm" demo --minutes 1 && ls -l checkpoints/demo/report.html) ;;
    *) (cd "$work/elsewhere" && "$work/empty/bin/charlstm" corpora) ;;
    esac
done
