# shellcheck shell=bash
# What the scripts share. Source it after `set -euo pipefail`; it only defines things.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # read by the scripts
build_dir=${BERTH_BUILD_DIR:-$repo/build}

say() { printf '%s\n' "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

# What a build needs, and what the tests need besides.
build_packages=(
  g++ cmake ninja-build ccache pkg-config
  libyaml-dev libboost1.81-dev libcli11-dev nlohmann-json3-dev libfmt-dev libexpected-dev catch2
  libzstd-dev liblzma-dev libbz2-dev libisal-dev libssl-dev libseccomp-dev libcap-dev libnftables-dev
  libcurl4-openssl-dev libtomlplusplus-dev libgit2-dev
)
image_packages=(mmdebstrap)
test_packages=(
  apache2-utils buildah busybox-static bzip2 clang-format curl dnsutils docker-registry fish git graphviz groff iproute2 iptables jq
  nftables openssh-server openssl postgresql-client podman procps python3 python3-grpcio runc skopeo strace umoci valgrind xz-utils zsh
)
bench_packages=(busybox-static dnsperf docker-registry iperf3 iproute2 python3 skopeo util-linux zstd)
vm_packages=(apparmor qemu-system-x86 qemu-system-common kmod) # and a kernel, which tests/vm/run unpacks but does not install
uml_packages=(user-mode-linux kmod)
: "${build_packages[@]}" "${image_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}" "${vm_packages[@]}" "${uml_packages[@]}"

require_root() {
  [[ $(id -u) -eq 0 ]] || die "must run as root ($1); try: sudo $0"
}

missing_packages() {
  local package
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

# apt_quietly ARGUMENTS...: runs apt-get without a word, unless it fails: then everything it said is shown.
apt_quietly() {
  local log status=0
  log=$(mktemp)
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1 || status=$?
  if [[ $status -ne 0 ]]; then cat "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

# package_lists_know PACKAGES...: whether apt knows where to get every one of them.
package_lists_know() {
  apt-get -qq --simulate --no-install-recommends install "$@" >/dev/null 2>&1
}

# need_packages WHAT_FOR PACKAGES...: installs those that are missing; silent when none is.
need_packages() {
  local purpose=$1 missing
  shift
  [[ -x /usr/bin/dpkg-query && -x /usr/bin/apt-get ]] ||
    die "these scripts install Debian packages, and this is not Debian; $purpose needs: $*"
  mapfile -t missing < <(missing_packages "$@")
  if [[ ${#missing[@]} -eq 0 ]]; then return; fi
  require_root "to install what $purpose needs: ${missing[*]}"
  say "installing what $purpose needs: ${missing[*]}"
  package_lists_know "${missing[@]}" || apt_quietly update || die "apt-get update failed; is the network there?"
  # The lists may be older than the mirror, which keeps no old versions: renew them and try once more.
  apt_quietly install --no-install-recommends "${missing[@]}" 2>/dev/null ||
    { apt_quietly update && apt_quietly install --no-install-recommends "${missing[@]}"; } ||
    die "apt-get could not install: ${missing[*]}"
}

# debian_sources SUITE: the mirrors this machine itself uses for Debian; the public one if it has none for this suite.
debian_sources() {
  # shellcheck disable=SC2016  # for apt to read
  apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    grep -E "^deb [^ ]+ $1(-updates|-security)? main\$" | sort -u ||
    echo "deb http://deb.debian.org/debian $1 main"
}

# build_in FOLDER TARGETS CMAKE_OPTIONS...: configures and builds TARGETS (words; empty for everything).
build_in() {
  local folder=$1 targets=()
  read -ra targets <<<"$2"
  shift 2
  cmake -G Ninja -S "$repo" -B "$folder" --log-level=WARNING -DBERTH_UNITY=ON "$@" >/dev/null || return
  if [[ ${#targets[@]} -gt 0 ]]; then targets=(--target "${targets[@]}"); fi
  cmake --build "$folder" "${targets[@]}"
}
