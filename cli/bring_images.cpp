#include "cli/bring_images.h"

#include <CLI/CLI.hpp>
#include <map>
#include <optional>

#include "base/clock.h"
#include "cli/project.h"
#include "cli/transfer.h"
#include "compose/duration.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using images::Store;

constexpr int64_t kDay = 24 * 60 * 60;  // seconds
constexpr int64_t kSecondNs = 1'000'000'000;

/// What one image name is about.
struct Wanted {
  bool pull = false;
  std::string platform;
};

std::string id_of(const Store& store, const std::string& name) {
  Result<images::Image> image = store.resolve(name);
  return image ? image->id.str() : "";
}

bool asks_for_pull(const Store& store, const std::string& image, bool present, const std::string& policy) {
  Result<images::Reference> reference = images::parse_reference(image);
  if (!reference) return false;  // an id, or a mistake that whoever uses it reports
  std::optional<int64_t> age;
  if (Result<std::optional<images::Origin>> origin = store.origin(*reference); origin && *origin)
    age = wall_clock_ns() / kSecondNs - (*origin)->checked;
  return must_pull(policy, present, age);
}

}  // namespace

bool must_pull(const std::string& policy, bool present, std::optional<int64_t> age) {
  if (policy == "never" || policy == "build") return false;
  if (policy == "always" || !present) return true;
  int64_t period = 0;
  if (policy == "daily")
    period = kDay;
  else if (policy == "weekly")
    period = 7 * kDay;
  else if (policy.starts_with("every_"))
    period = compose::parse_duration(policy.substr(6)).value_or(Duration::zero()).count() / kSecondNs;
  else
    return false;
  return !age || *age >= period;
}

void add_bring_flags(CLI::App& command, BringFlags& flags) {
  command.add_option("--pull", flags.policy, "Pull image before running (\"always\"|\"missing\"|\"never\")")
      ->check(CLI::IsMember({"always", "missing", "never", "policy"}));
  command.add_flag("--quiet-pull", flags.quiet, "Pull without printing progress information");
}

int bring_images(const Context& context, const compose::Project& project, engine::Stack& stack,
                 const BringFlags& flags) {
  Result<Store> store = Store::open(context.paths);
  if (!store) return report(context, store.error());
  std::map<std::string, std::string> ids;  // by name as written; empty: not there
  std::map<std::string, Wanted> wanted;
  for (const engine::ServiceConfig& config : stack.services) {
    const std::string& image = config.container.image;
    auto service = project.services.find(config.name);
    if (image.empty() || service == project.services.end()) continue;
    auto [id, is_new] = ids.emplace(image, "");
    if (is_new) id->second = id_of(*store, image);
    std::string policy = flags.policy.empty() || flags.policy == "policy"
                             ? service->second.pull_policy.value_or("missing")
                             : flags.policy;
    Wanted& one = wanted[image];
    one.pull = one.pull || asks_for_pull(*store, image, !id->second.empty(), policy);
    if (one.platform.empty()) one.platform = service->second.platform.value_or("");
  }
  Transfer transfer;
  transfer.quiet = flags.quiet;
  for (const auto& [image, one] : wanted) {
    if (one.pull) transfer.items.push_back({image, one.platform});
  }
  if (!transfer.items.empty()) {
    Result<int> code = carry_out(context, transfer);
    if (!code) return report(context, code.error());
    if (*code != 0) return *code > 128 ? 130 : 1;
    for (const Transfer::Item& item : transfer.items) ids[item.image] = id_of(*store, item.image);
  }
  for (engine::ServiceConfig& config : stack.services) config.image_id = ids[config.container.image];
  return 0;
}

}  // namespace berth::cli
