#include <algorithm>

#include "compose/codecs.h"
#include "compose/develop.h"
#include "compose/provider.h"

namespace berth::compose {
namespace {

constexpr std::array<std::string_view, 2> kCgroupModes = {"host", "private"};
constexpr std::array<std::string_view, 2> kProbings = {"early", "strict"};
constexpr std::string_view kWindows = "it is for Windows";

// ---- healthcheck, logging

constexpr Attr kHealthcheckRows[] = {
    attr<&Healthcheck::disable, IfTrue>("disable"),
    attr<&Healthcheck::interval, Time>("interval"),
    attr<&Healthcheck::retries, Count>("retries"),
    attr<&Healthcheck::start_interval, Time>("start_interval"),
    attr<&Healthcheck::start_period, Time>("start_period"),
    attr<&Healthcheck::test, ProbeCommand>("test"),
    attr<&Healthcheck::timeout, Time>("timeout"),
    attr<&Healthcheck::probe, NativeProbeForm>("x-berth-probe")
        .remark("of berth: a probe without a program in the image"),
    attr<&Healthcheck::restart_unhealthy, Flag>("x-berth-restart-unhealthy")
        .remark("of berth: what is unhealthy is ended and started again"),
};
const Table& healthcheck_table() {
  static constexpr Table kTable{"healthcheck", kHealthcheckRows, extensions_of<Healthcheck>};
  return kTable;
}

constexpr Attr kLoggingRows[] = {
    attr<&Logging::driver, Text>("driver"),
    attr<&Logging::options, Options>("options").remark("max-size, max-file; the others of json-file change nothing"),
};
const Table& logging_table() {
  static constexpr Table kTable{"logging", kLoggingRows, extensions_of<Logging>};
  return kTable;
}

// ---- parts of which only the shape is checked

constexpr Attr kHookRows[] = {
    attr<&Hook::command, Command>("command"),      attr<&Hook::environment, EnvMap>("environment"),
    attr<&Hook::privileged, Flag>("privileged"),   attr<&Hook::user, Text>("user"),
    attr<&Hook::working_dir, Text>("working_dir"),
};
const Table& hook_table() {
  static constexpr Table kTable{"hook", kHookRows};
  return kTable;
}
constexpr Attr kPreStartRows[] = {
    attr<&Hook::command, Command>("command"),
    attr<&Hook::environment, EnvMap>("environment"),
    attr<&Hook::image, Text>("image"),
    attr<&Hook::per_replica, Flag>("per_replica").remark("only false"),
    attr<&Hook::privileged, Flag>("privileged"),
    attr<&Hook::user, Text>("user"),
    attr<&Hook::working_dir, Text>("working_dir"),
};
const Table& pre_start_table() {
  static constexpr Table kTable{"pre_start hook", kPreStartRows};
  return kTable;
}
constexpr std::array<std::string_view, 1> kHookNeeds = {"command"};

constexpr std::array<std::string_view, 5> kWatchActions = {"rebuild", "sync", "restart", "sync+restart", "sync+exec"};
constexpr Attr kWatchRows[] = {
    attr<&WatchRule::action, OneOf<kWatchActions>>("action"),
    attr<&WatchRule::exec, Object<Hook, hook_table>>("exec"),
    attr<&WatchRule::ignore, TextOrList>("ignore"),
    attr<&WatchRule::include, TextOrList>("include"),
    attr<&WatchRule::initial_sync, Flag>("initial_sync"),
    attr<&WatchRule::path, Text>("path"),
    attr<&WatchRule::target, Text>("target"),
};
const Table& watch_table() {
  static constexpr Table kTable{"watch rule", kWatchRows};
  return kTable;
}
constexpr std::array<std::string_view, 2> kWatchNeeds = {"action", "path"};
struct WatchRules : Requires<ObjectList<WatchRule, watch_table>, kWatchNeeds> {
  static bool decode(const In& in, std::vector<WatchRule>& value) {
    if (!Requires::decode(in, value)) return false;
    for (size_t i = 0; i < value.size(); ++i) value[i].span = in.tree.items[i].span;
    return true;
  }
};
constexpr Attr kDevelopRows[] = {attr<&Develop::watch, WatchRules>("watch")};
const Table& develop_table() {
  static constexpr Table kTable{"develop section", kDevelopRows};
  return kTable;
}

constexpr Attr kRateRows[] = {shape<Text>("path"), shape<Bytes>("rate")};
const Table& rate_table() {
  static constexpr Table kTable{"device rate", kRateRows};
  return kTable;
}
constexpr Attr kWeightRows[] = {shape<Text>("path"), shape<Integer>("weight")};
const Table& weight_table() {
  static constexpr Table kTable{"device weight", kWeightRows};
  return kTable;
}
constexpr std::array<std::string_view, 2> kRateNeeds = {"path", "rate"};
using Rates = Requires<ObjectList<Unbound, rate_table>, kRateNeeds>;
constexpr Attr kBlkioRows[] = {
    shape<Rates>("device_read_bps"),  shape<Rates>("device_read_iops"),
    shape<Rates>("device_write_bps"), shape<Rates>("device_write_iops"),
    shape<Integer>("weight"),         shape<ObjectList<Unbound, weight_table>>("weight_device"),
};
const Table& blkio_table() {
  static constexpr Table kTable{"blkio_config", kBlkioRows};
  return kTable;
}

constexpr Attr kCredentialRows[] = {shape<Text>("config"), shape<Text>("file"), shape<Text>("registry")};
const Table& credential_table() {
  static constexpr Table kTable{"credential_spec", kCredentialRows};
  return kTable;
}

/// The flags of a program: a map of scalars, or lists of them.
struct Flags : CodecBase {
  using Value = FlagValues;

  static bool decode(const In& in, FlagValues& value) {
    if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
    for (const Member& member : in.tree.members) {
      const Path path{&in.path, member.key};
      Strings& texts = value.emplace_back(member.key, Strings()).second;
      if (!member.value.is_list()) add({member.value, path, in.diagnostics}, texts);
      for (const Tree& item : member.value.items) add({item, path, in.diagnostics}, texts);
    }
    return true;
  }
  static bool encode(const FlagValues& value, Tree& out) {
    out = Tree::map();
    for (const auto& [name, texts] : value) ScalarList::encode(texts, out.set(name, Tree::list()));
    std::sort(out.members.begin(), out.members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
    return !value.empty();
  }

 private:
  static void add(const In& in, Strings& texts) {
    if (in.tree.is_scalar())
      texts.push_back(in.tree.text);
    else
      in.wrong_kind("a string, a number, a boolean, or a list of them");
  }
};

constexpr Attr kProviderRows[] = {
    attr<&Provider::options, Flags>("options").remark("flags of the program; a list repeats one"),
    attr<&Provider::type, Text>("type").remark("a plugin of Docker's command line, or a program in PATH"),
};
const Table& provider_table() {
  static constexpr Table kTable{"provider", kProviderRows};
  return kTable;
}

/// A provider without its type is none.
struct ProviderForm : Object<Provider, provider_table> {
  static bool decode(const In& in, Provider& value) {
    if (in.tree.is_map()) require_key(in.tree, in.path, "type", in.diagnostics);
    return Object::decode(in, value);
  }
};

using Hooks = Requires<ObjectList<Hook, hook_table>, kHookNeeds>;
using PreStart = ObjectList<Hook, pre_start_table>;

// ---- the service, sorted by key

constexpr Attr kServiceRows[] = {
    attr<&Service::annotations, Labels>("annotations").remark("kept with the container"),
    attr<&Service::attach, Flag>("attach"),
    attr<&Service::blkio_config, Kept<Object<Unbound, blkio_table>>>("blkio_config"),
    attr<&Service::build, BuildForm>("build"),
    attr<&Service::cap_add, UniqueList>("cap_add"),
    attr<&Service::cap_drop, UniqueList>("cap_drop"),
    attr<&Service::cgroup, OneOf<kCgroupModes>>("cgroup"),
    attr<&Service::cgroup_parent, Text>("cgroup_parent"),
    attr<&Service::command, Command>("command"),
    attr<&Service::configs, ConfigGrants>("configs"),
    attr<&Service::container_name, Text>("container_name"),
    attr<&Service::cpu_count, Integer>("cpu_count").accepted(kWindows),
    attr<&Service::cpu_percent, Number>("cpu_percent").accepted(kWindows),
    attr<&Service::cpu_period, Integer>("cpu_period"),
    attr<&Service::cpu_quota, Integer>("cpu_quota"),
    attr<&Service::cpu_rt_period, Micros>("cpu_rt_period").remark("control groups v1 only"),
    attr<&Service::cpu_rt_runtime, Micros>("cpu_rt_runtime").remark("control groups v1 only"),
    attr<&Service::cpu_shares, Integer>("cpu_shares"),
    attr<&Service::cpus, Number>("cpus"),
    attr<&Service::cpuset, Text>("cpuset"),
    attr<&Service::credential_spec, Kept<Object<Unbound, credential_table>>>("credential_spec").accepted(kWindows),
    attr<&Service::depends_on, Dependencies>("depends_on"),
    attr<&Service::deploy, Object<Deploy, deploy_table>>("deploy"),
    attr<&Service::develop, Kept<Object<Develop, develop_table>>>("develop").remark("by `watch` and `up --watch`"),
    attr<&Service::device_cgroup_rules, UniqueList>("device_cgroup_rules"),
    attr<&Service::devices, Devices>("devices"),
    attr<&Service::dns, NonEmptyTexts>("dns"),
    attr<&Service::dns_opt, UniqueList>("dns_opt"),
    attr<&Service::dns_search, TextOrList>("dns_search"),
    attr<&Service::domainname, Text>("domainname"),
    attr<&Service::entrypoint, Command>("entrypoint"),
    attr<&Service::env_file, EnvFiles>("env_file"),
    attr<&Service::environment, EnvMap>("environment"),
    attr<&Service::expose, UniqueScalars>("expose"),
    shape<ExtendsForm>("extends"),
    attr<&Service::external_links, UniqueList>("external_links"),
    attr<&Service::extra_hosts, Hosts>("extra_hosts"),
    attr<&Service::gpus, Kept<DeviceRequests>>("gpus").refused("there are no drivers for such devices"),
    attr<&Service::group_add, ScalarList>("group_add"),
    attr<&Service::healthcheck, Object<Healthcheck, healthcheck_table>>("healthcheck"),
    attr<&Service::hostname, Text>("hostname"),
    attr<&Service::image, Text>("image"),
    attr<&Service::init, Flag>("init"),
    attr<&Service::ipc, NamespaceMode>("ipc").remark("host, private, shareable, none, service:, container:"),
    attr<&Service::isolation, Text>("isolation").accepted(kWindows),
    attr<&Service::label_file, TextOrList>("label_file"),
    attr<&Service::labels, Labels>("labels"),
    attr<&Service::links, UniqueList>("links"),
    attr<&Service::logging, Object<Logging, logging_table>>("logging")
        .merged(Merge::logging)
        .remark("json-file, local, none; of other drivers a warning, and the log is kept all the same"),
    attr<&Service::mac_address, Text>("mac_address"),
    attr<&Service::mem_limit, Bytes>("mem_limit"),
    attr<&Service::mem_reservation, Bytes>("mem_reservation"),
    attr<&Service::mem_swappiness, Bytes>("mem_swappiness").remark("control groups v1 only"),
    attr<&Service::memswap_limit, Bytes>("memswap_limit"),
    attr<&Service::models, Kept<ServiceModels>>("models").refused("there is no runner of models"),
    attr<&Service::network_mode, NamespaceMode>("network_mode").remark("none, host, bridge, service:, container:"),
    attr<&Service::networks, Attachments>("networks"),
    attr<&Service::oom_kill_disable, IfTrue>("oom_kill_disable").remark("control groups v1 only"),
    attr<&Service::oom_score_adj, Integer>("oom_score_adj"),
    attr<&Service::pid, NamespaceMode>("pid").remark("host, private, service:, container:"),
    attr<&Service::pids_limit, Integer>("pids_limit"),
    attr<&Service::platform, Text>("platform").remark("decides which image is pulled; nothing is emulated"),
    attr<&Service::ports, Ports>("ports"),
    attr<&Service::post_start, Hooks>("post_start"),
    attr<&Service::pre_start, PreStart>("pre_start"),
    attr<&Service::pre_stop, Hooks>("pre_stop"),
    attr<&Service::privileged, IfTrue>("privileged"),
    attr<&Service::profiles, UniqueList>("profiles"),
    attr<&Service::provider, Kept<ProviderForm>>("provider"),
    attr<&Service::pull_policy, PullPolicy>("pull_policy"),
    attr<&Service::pull_refresh_after, Text>("pull_refresh_after").accepted(),
    attr<&Service::read_only, IfTrue>("read_only"),
    attr<&Service::restart, RestartText>("restart"),
    attr<&Service::runtime, Text>("runtime").accepted("berth runs the containers itself"),
    attr<&Service::scale, Integer>("scale"),
    attr<&Service::secrets, SecretGrants>("secrets"),
    attr<&Service::security_opt, TextList>("security_opt")
        .remark("no-new-privileges, seccomp=FILE, systempaths=unconfined, apparmor=PROFILE, label=disable"),
    attr<&Service::shm_size, Bytes>("shm_size"),
    attr<&Service::stdin_open, IfTrue>("stdin_open"),
    attr<&Service::stop_grace_period, Time>("stop_grace_period"),
    attr<&Service::stop_signal, Text>("stop_signal"),
    attr<&Service::storage_opt, Options>("storage_opt").refused("a container has no storage driver to set options of"),
    attr<&Service::sysctls, Labels>("sysctls"),
    attr<&Service::tmpfs, TextOrList>("tmpfs"),
    attr<&Service::tty, IfTrue>("tty"),
    attr<&Service::ulimits, Ulimits>("ulimits"),
    attr<&Service::use_api_socket, Flag>("use_api_socket").refused("there is no daemon whose socket could be mounted"),
    attr<&Service::user, Text>("user"),
    attr<&Service::userns_mode, Text>("userns_mode").remark("host, which every container has"),
    attr<&Service::uts, Text>("uts"),
    attr<&Service::volumes, Mounts>("volumes"),
    attr<&Service::volumes_from, UniqueList>("volumes_from"),
    attr<&Service::working_dir, Text>("working_dir"),
    attr<&Service::probing, OneOf<kProbings>>("x-berth-probing")
        .remark("of berth: strict probes by the file's intervals alone, also before the first success"),
};

}  // namespace

const Table& service_table() {
  static constexpr Table kTable{"service", kServiceRows, extensions_of<Service>};
  return kTable;
}

Provider provider_of(const Service& service) {
  Provider provider;
  Diagnostics reported;  // when the service was read
  Object<Provider, provider_table>::decode({service.provider, {}, reported}, provider);
  return provider;
}

Develop develop_of(const Service& service) {
  Develop develop;
  Diagnostics reported;  // when the service was read
  if (service.develop.is_map()) Object<Develop, develop_table>::decode({service.develop, {}, reported}, develop);
  return develop;
}

}  // namespace berth::compose
