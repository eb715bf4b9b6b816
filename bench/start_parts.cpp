// start_parts [REPEATS]: what the parts of a container's start cost.
//
// Starts one container over and over, each time with another part left out, and prints how much sooner it is done then.
// Variants take turns, so that a machine that gets slower does so for all. A time is that from the request to the end
// of `true`, which is seen and reaped. Requires root and a static busybox at /bin/busybox.

#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "netns/links.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/netns.h"

namespace {

using namespace berth;
using runtime::ContainerSpec;

constexpr int kLayers = 10;
constexpr const char* kBridge = "br-startparts";
constexpr const char* kNetworkId = "57a27fa2757a";

struct Parts {
  bool seccomp = true, masks = true, limits = true, network = true, overlay = true, namespaces = true;
};

struct Variant {
  const char* left_out;
  std::function<void(Parts&)> change;
  std::vector<double> ms;
};

template <class T>
T need(Result<T> result) {
  if (result) return std::move(result).value();
  fmt::print(stderr, "start_parts: {}\n", result.error().message());
  std::exit(1);
}

void need(const Status& status) {
  if (status) return;
  fmt::print(stderr, "start_parts: {}\n", status.error().message());
  std::exit(1);
}

/// Layers as an image has them; the topmost holds the program.
std::vector<std::string> make_layers(const std::string& directory) {
  std::vector<std::string> layers;
  for (int i = 0; i < kLayers; ++i) {
    std::string layer = fmt::format("{}/layer{}", directory, i);
    need(sys::make_dirs(layer + "/bin", 0755));
    layers.push_back(layer);
  }
  std::filesystem::copy_file("/bin/busybox", layers.front() + "/bin/true");
  for (const char* name : {"/upper", "/work"}) need(sys::make_dirs(directory + name, 0755));
  return layers;
}

ContainerSpec spec_of(const Parts& parts, const std::string& directory, const std::vector<std::string>& layers) {
  ContainerSpec spec;
  spec.id = "startparts";
  spec.hostname = "startparts";
  spec.args = {"/bin/true"};
  spec.cgroup_path = "berth-startparts/one";
  if (parts.overlay) {
    spec.layers = layers;
    spec.upper_dir = directory + "/upper";
    spec.work_dir = directory + "/work";
  } else {
    spec.rootfs = layers.front();
  }
  if (!parts.seccomp) spec.seccomp = runtime::SeccompMode::unconfined;
  if (!parts.masks) spec.masked_paths.clear(), spec.read_only_paths.clear();
  if (parts.limits) {
    spec.resources.memory = 256 << 20;
    spec.resources.nano_cpus = 1'500'000'000;
    spec.resources.pids_limit = 100;
  }
  if (!parts.namespaces) spec.pid = spec.ipc = runtime::NamespaceMode::host();
  return spec;
}

void start_and_reap(runtime::Host& host, const ContainerSpec& spec, bool network) {
  runtime::LaunchIo io;
  netns::Sandbox sandbox;
  if (network) {
    netns::SandboxSpec wanted;
    netns::EndpointSpec endpoint;
    static int starts = 0;  // a name of its own each time: the kernel is slow to free the last one's
    endpoint.container_id = fmt::format("{:012x}", ++starts);
    endpoint.network_id = kNetworkId;
    endpoint.bridge = kBridge;
    endpoint.addresses = {{*netns::Address::parse("10.213.77.2"), 24}};
    wanted.endpoints.push_back(endpoint);
    sandbox = need(netns::create_sandbox(wanted));
    io.netns = sandbox.netns.fd();
  }
  runtime::Launch launch = need(runtime::Launch::start(host, spec, io));
  runtime::Running running = need(launch.finish());
  int status = 0;
  if (waitpid(running.pid, &status, 0) != running.pid || status != 0) {
    fmt::print(stderr, "start_parts: true failed ({})\n", status);
    std::exit(1);
  }
  need(need(runtime::Cgroup::open(host.cgroups(), spec.cgroup_path)).remove());
}

void spawn_and_reap() {
  pid_t pid = 0;
  char name[] = "true";
  char* argv[] = {name, nullptr};
  char* envp[] = {nullptr};
  if (posix_spawn(&pid, "/bin/busybox", nullptr, nullptr, argv, envp) != 0) std::exit(1);
  waitpid(pid, nullptr, 0);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Work>
double timed(Work work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  int repeats = argc > 1 ? std::atoi(argv[1]) : 100;
  char directory[] = "/tmp/berth-start-parts-XXXXXX";
  if (mkdtemp(directory) == nullptr) return 1;
  std::vector<std::string> layers = make_layers(directory);
  runtime::Host host = need(runtime::Host::discover(directory));
  netns::NetworkSpec network;
  network.id = kNetworkId;
  network.bridge = kBridge;
  network.blocks = {{*netns::Subnet::parse("10.213.77.0/24"), *netns::Address::parse("10.213.77.1"), {}, {}}};
  need(netns::create_bridge(network));
  std::vector<Variant> variants = {
      {"nothing", [](Parts&) {}, {}},
      {"seccomp", [](Parts& p) { p.seccomp = false; }, {}},
      {"masked and read-only paths", [](Parts& p) { p.masks = false; }, {}},
      {"limits", [](Parts& p) { p.limits = false; }, {}},
      {"network (namespace, veth, DNS sockets)", [](Parts& p) { p.network = false; }, {}},
      {"overlay of ten layers", [](Parts& p) { p.overlay = false; }, {}},
      {"pid and ipc namespaces", [](Parts& p) { p.namespaces = false; }, {}},
  };
  std::vector<double> spawned;
  for (int turn = 0; turn <= repeats; ++turn) {
    for (Variant& variant : variants) {
      Parts parts;
      variant.change(parts);
      ContainerSpec spec = spec_of(parts, directory, layers);
      double ms = timed([&] { start_and_reap(host, spec, parts.network); });
      if (turn > 0) variant.ms.push_back(ms);  // the first fills caches
    }
    spawned.push_back(timed(spawn_and_reap));
  }
  double whole = median(variants.front().ms);
  fmt::print("whole start of `true`, to its end: {:.2f} ms (median of {})\n", whole, repeats);
  for (const Variant& variant : variants) {
    if (&variant != &variants.front())
      fmt::print("  {:<40} {:6.2f} ms\n", variant.left_out, whole - median(variant.ms));
  }
  fmt::print("  {:<40} {:6.2f} ms\n", "fork and exec alone", median(spawned));
  (void)netns::remove_bridge(kBridge);
  std::filesystem::remove_all(directory);
  return 0;
}
