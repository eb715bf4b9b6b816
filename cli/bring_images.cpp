#include "cli/bring_images.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "cli/project.h"
#include "cli/service_builds.h"
#include "cli/trace/recorder.h"
#include "cli/transfer.h"
#include "cli/watch/rules.h"
#include "compose/duration.h"
#include "images/platform.h"
#include "images/store.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

using images::Store;

constexpr int64_t kDay = 24 * 60 * 60;  // seconds

bool asks_for_pull(const Store* store, const std::string& image, bool present, const std::string& policy) {
  Result<images::Reference> reference = images::parse_reference(image);
  if (!reference) return false;                                 // an id, or a mistake that whoever uses it reports
  if (!must_pull(policy, present, std::nullopt)) return false;  // whatever its age, so the store need not be asked
  std::optional<int64_t> age;
  if (store != nullptr) {
    Result<std::optional<images::Origin>> origin = store->origin(*reference);
    if (origin && *origin) age = wall_clock_ns() / kSecondNs - (*origin)->checked;
  }
  return must_pull(policy, present, age);
}

/// The images of one stack.
class Images {
 public:
  /// `store`: nullptr where there is none yet.
  Images(const Context& context, const compose::Project& project, engine::Stack& stack, const BringFlags& flags,
         const Store* store)
      : context_(context), project_(project), stack_(stack), flags_(flags), store_(store) {}

  void look() {
    for (const engine::ServiceConfig& config : stack_.services) {
      auto service = project_.services.find(config.name);
      if (service != project_.services.end() && !config.container.image.empty()) look_at(config, service->second);
      for (const engine::MountConfig& mount : config.container.mounts) {
        if (mount.type == "image") look_at(config, mount.source, mount.place);
      }
      for (const engine::HookConfig& hook : config.container.pre_start) {
        if (!hook.image.empty()) look_at(config, hook.image, config.place);
      }
    }
  }

  [[nodiscard]] std::vector<Errand> errands() const {
    std::vector<Errand> errands;
    for (const Transfer::Item& item : transfer_.items)
      errands.push_back({"Pull", item.image, join(item.asked_by, ", ")});
    for (const std::string& name : to_build_)
      errands.push_back({"Build", image_of(project_, project_.services.at(name)), "service \"" + name + "\""});
    return errands;
  }

  Result<int> bring() {
    if (!transfer_.items.empty()) {
      trace::Part part(context_.trace, "pull images");
      transfer_.quiet = flags_.quiet;
      transfer_.trace = trace_fd();
      BERTH_TRY(int code, carry_out(context_, transfer_));
      if (code != 0) return code > 128 ? 130 : 1;
      ids_.clear();
    }
    if (!to_build_.empty()) {
      trace::Part part(context_.trace, "build images");
      BuildOrder order;
      order.trace = trace_fd();
      BERTH_TRY(order.jobs, build_jobs(project_, to_build_, {}));
      order.quiet = flags_.quiet_build;
      BERTH_TRY(int code, carry_out(context_, order));
      if (code != 0) return code > 128 ? 130 : code;
      ids_.clear();
    }
    return 0;
  }

  /// In the stack, what the images are now. Error: one is for another platform than the service wants.
  Status note() {
    for (engine::ServiceConfig& config : stack_.services) {
      BERTH_TRY_OK(check_platform(config));
      config.image_id = id_of(config.container.image);
      for (engine::MountConfig& mount : config.container.mounts) {
        if (mount.type == "image") mount.image_id = id_of(mount.source);
      }
    }
    return {};
  }

 private:
  [[nodiscard]] int trace_fd() const { return context_.trace == nullptr ? -1 : context_.trace->helper_fd(); }

  /// "" if it is not there. Looked up once: in a large stack many services have the same.
  const std::string& id_of(const std::string& name) {
    auto [known, is_new] = ids_.try_emplace(name);
    if (is_new && store_ != nullptr) {
      Result<images::Image> image = store_->resolve(name);
      if (image) known->second = image->id.str();
    }
    return known->second;
  }

  /// What is here under the name, if it is not for the platform that the service wants; "" if it serves.
  std::string other_platform(const std::string& name, const compose::Service& service) const {
    if (store_ == nullptr || !service.platform) return "";
    Result<images::Platform> wanted = images::parse_platform(*service.platform);
    Result<images::Image> image = store_->resolve(name);
    if (!wanted || !image) return "";
    const images::Platform found{image->config.os, image->config.architecture, image->config.variant};
    return images::choose_platform(*wanted, {found}) >= 0 ? "" : found.str();
  }

  Status check_platform(const engine::ServiceConfig& config) const {
    auto service = project_.services.find(config.name);
    if (context_.dry_run || service == project_.services.end() || service->second.build) return {};
    const std::string found = other_platform(config.container.image, service->second);
    if (found.empty()) return {};
    Error error =
        make_error(fmt::format("image \"{}\" is for the platform {}, not for {}", printable(config.container.image),
                               printable(found), printable(*service->second.platform)),
                   "pull the other one: --pull always");
    if (!config.image_place.empty()) error.context.push_back(config.image_place);
    return error;
  }

  void look_at(const engine::ServiceConfig& config, const compose::Service& service) {
    const std::string& image = config.container.image;
    bool present = !id_of(image).empty() && (service.build || other_platform(image, service).empty());
    bool asked = !flags_.policy.empty() && flags_.policy != "policy";
    std::string policy = asked ? flags_.policy : service.pull_policy.value_or("missing");
    bool wanted = flags_.build || (flags_.build_watched && is_watched(service));
    if (service.build && !flags_.no_build && (wanted || policy == "build" || !present)) {
      to_build_.push_back(service.name);
    } else if (!service.build && asks_for_pull(store_, image, present, policy) && pulled_.insert(image).second) {
      std::vector<std::string> asked_by;
      if (!config.image_place.empty()) asked_by.push_back(config.image_place);
      asked_by.push_back("service \"" + config.name + "\"");
      transfer_.items.push_back({image, service.platform.value_or(""), std::move(asked_by)});
    }
  }

  /// An image that is mounted, or a hook's, is pulled where it is missing, unless it is one that the project builds.
  void look_at(const engine::ServiceConfig& config, const std::string& image, const std::string& place) {
    if (!id_of(image).empty()) return;
    bool built = std::any_of(stack_.services.begin(), stack_.services.end(), [&](const engine::ServiceConfig& other) {
      auto service = project_.services.find(other.name);
      return other.container.image == image && service != project_.services.end() && service->second.build;
    });
    std::string policy = flags_.policy == "never" ? "never" : "missing";
    if (built || !asks_for_pull(store_, image, false, policy) || !pulled_.insert(image).second) return;
    transfer_.items.push_back({image, "", {place, "service \"" + config.name + "\""}});
  }

  const Context& context_;
  const compose::Project& project_;
  engine::Stack& stack_;
  const BringFlags& flags_;
  const Store* store_;
  std::map<std::string, std::string> ids_;  // by name as written
  std::set<std::string> pulled_;
  std::vector<std::string> to_build_;
  Transfer transfer_;
};

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

void add_bring_flags(Command command, BringFlags& flags) {
  command.option("--pull", flags.policy, "Pull image before running (\"always\"|\"missing\"|\"never\")")
      .one_of({"always", "missing", "never", "policy"});
  command.flag("--build", flags.build, "Build images before starting containers");
  command.flag("--no-build", flags.no_build, "Don't build an image, even if it's policy");
  command.flag("--quiet-build", flags.quiet_build, "Suppress the build output");
  command.flag("--quiet-pull", flags.quiet, "Pull without printing progress information");
}

int bring_images(const Context& context, const compose::Project& project, engine::Stack& stack, const BringFlags& flags,
                 std::vector<Errand>& errands) {
  // A dry run does not make the store by looking for it.
  std::optional<Store> store;
  if (!context.dry_run || sys::exists(context.paths.images())) {
    Result<Store> opened = Store::open(context.paths);
    if (!opened) return report(context, opened.error());
    store = std::move(*opened);
  }
  Images images(context, project, stack, flags, store ? &*store : nullptr);
  images.look();
  if (context.dry_run) {
    std::vector<Errand> wanted = images.errands();
    errands.insert(errands.end(), wanted.begin(), wanted.end());
  } else {
    Result<int> code = images.bring();
    if (!code) return report(context, code.error());
    if (*code != 0) return *code;
  }
  return report(context, images.note());
}

}  // namespace berth::cli
