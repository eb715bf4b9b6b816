#include "supervise/step_runner.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "base/version.h"
#include "engine/pre_start.h"
#include "supervise/pre_start_output.h"

namespace berth::supervise {
namespace {

using namespace engine;

constexpr auto kOutputPause = std::chrono::milliseconds(50);

/// Labels by which tools find what belongs to a project.
Labels with_project(Labels labels, const std::string& project, const char* kind, const std::string& key) {
  if (project.empty()) return labels;  // made by hand
  labels["com.docker.compose.project"] = project;
  labels[std::string("com.docker.compose.") + kind] = key;
  labels["com.docker.compose.version"] = kVersion;
  return labels;
}

}  // namespace

HostRunner::HostRunner(asio::io_context& io, Containers& containers, Networks& networks, const StateStore& store,
                       Stack stack)
    : io_(io), containers_(containers), networks_(networks), store_(store), stack_(std::move(stack)) {}

void HostRunner::start(StepId, const Step& step, std::function<void(berth::Status)> done) {
  auto finish = [done = std::move(done)](std::exception_ptr thrown, Result<void> status) {
    if (thrown)
      std::rethrow_exception(thrown);  // our code does not throw: this is a bug, and the keeper starts us again
    done(std::move(status));
  };
  asio::co_spawn(io_, carry_out(step.action), std::move(finish));
}

void HostRunner::cancel_waits() {
  *cancelled_ = true;
  containers_.wake_all();
}

std::vector<std::string> HostRunner::take_hints() {
  std::vector<std::string> names = std::exchange(unheard_, {});
  if (names.empty()) return {};
  std::sort(names.begin(), names.end());
  return {
      fmt::format("killed without waiting: {}. The first process has no handler for the stop signal, so the kernel "
                  "keeps it from it; "
                  "`init: true` puts one in front that passes signals on",
                  join(names, ", "))};
}

void HostRunner::allow_waits() {
  cancelled_ = std::make_shared<bool>(false);
}

Result<ContainerPtr> HostRunner::find(const ContainerRef& ref) const {
  auto created = created_.find(ref.name);
  ContainerPtr container = containers_.find(ref.id.empty() && created != created_.end() ? created->second : ref.id);
  if (container == nullptr) return make_error("container " + ref.name + " does not exist any more");
  return container;
}

berth::Status HostRunner::create(const CreateContainer& action) {
  auto service =
      std::find_if(stack_.services.begin(), stack_.services.end(), [&](auto& s) { return s.name == action.service; });
  if (service == stack_.services.end()) return make_error("no such service: " + action.service);
  Lenders lenders;
  for (const auto& [name, ref] : action.lenders) {
    BERTH_TRY(ContainerPtr lender, find(ref));
    lenders[name] = &lender->record;
  }
  const bool borrows = lenders.contains(pre_start_lender(action.service));
  BERTH_TRY(
      ContainerPtr container,
      containers_.create(stack_, action.pre_start ? pre_start_service(*service, *action.pre_start, borrows) : *service,
                         action, lenders));
  if (action.one_off) {
    container->stdio = std::move(stdio_);
    one_off_ = container;
  }
  created_[action.container.name] = container->record.id;
  return {};
}

berth::Status HostRunner::create_volume(const VolumeConfig& config) const {
  BERTH_TRY(volumes::VolumeStore volumes, volumes::VolumeStore::open(store_.paths()));
  Labels labels = with_project(config.labels, stack_.project, "volume", config.key);
  Result<volumes::Volume> volume = volumes.create({config.name, config.driver, config.options, std::move(labels)});
  if (!volume) return std::move(volume).error();
  return {};
}

HookListener HostRunner::listener() const {
  return {on_hook_line_, cancelled_};
}

/// With its hooks. One whose hook fails does not stay.
Task<void> HostRunner::start(ContainerPtr container) {
  if (container->live.alive()) co_return berth::Status();
  BERTH_CO_TRY_OK(co_await containers_.start(container));
  berth::Status hooked = co_await containers_.run_hooks(container, HookKind::post_start, listener());
  if (hooked) co_return berth::Status();
  Result<bool> stopped = co_await containers_.stop(container, std::nullopt);
  if (!stopped) co_return std::move(stopped).context("after {}", hooked.error().message()).error();
  co_return std::move(hooked).error();
}

/// What the container of a hook prints meanwhile is told.
Task<void> HostRunner::wait(ContainerPtr container, WaitFor wanted) {
  std::shared_ptr<const bool> cancelled = cancelled_;
  const ContainerRecord& record = container->record;
  if (!record.pre_start) co_return co_await containers_.wait(container, wanted, cancelled);
  PreStartOutput output(store_.log_path(record.id),
                        fmt::format("{}-pre_start-{} ->", record.service, *record.pre_start), on_hook_line_);
  auto ended = std::make_shared<std::optional<berth::Status>>();
  auto pause = std::make_shared<asio::steady_timer>(io_);
  asio::co_spawn(io_, containers_.wait(container, wanted, cancelled),
                 [ended, pause](std::exception_ptr thrown, Result<void> status) {
                   if (thrown) std::rethrow_exception(thrown);
                   *ended = std::move(status);
                   pause->cancel();
                 });
  while (!*ended) {
    output.tell();
    pause->expires_after(kOutputPause);
    (void)co_await pause->async_wait(kAwait);
  }
  output.tell();
  co_return std::move(**ended);
}

Task<void> HostRunner::carry_out(Action action) {
  if (auto* a = std::get_if<CreateNetwork>(&action)) {
    a->network.labels = with_project(std::move(a->network.labels), stack_.project, "network", a->network.key);
    auto labelled = a->network.labels.find("com.docker.compose.project");  // by hand, for a project
    co_return networks_.create(a->network, labelled == a->network.labels.end() ? "" : labelled->second);
  }
  if (auto* a = std::get_if<RemoveNetwork>(&action)) co_return co_await networks_.remove(a->name);
  if (auto* a = std::get_if<CreateVolume>(&action)) co_return create_volume(a->volume);
  if (auto* a = std::get_if<RemoveVolume>(&action)) {
    BERTH_CO_TRY(volumes::VolumeStore volumes, volumes::VolumeStore::open(store_.paths()));
    co_return volumes.remove(a->name);
  }
  if (auto* a = std::get_if<CreateContainer>(&action)) co_return create(*a);
  if (auto* a = std::get_if<ReservePorts>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return co_await containers_.reserve_ports(container);
  }
  if (auto* a = std::get_if<StartContainer>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    container->ports_later = a->ports_later;
    BERTH_CO_TRY_OK(co_await start(container));
    if (a->again) containers_.tell(*container, "restart");
    co_return berth::Status();
  }
  if (auto* a = std::get_if<WaitFor>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return co_await wait(std::move(container), *a);
  }
  if (auto* a = std::get_if<StopContainer>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    if (a->hooks && container->live.alive())
      BERTH_CO_TRY_OK(co_await containers_.run_hooks(container, HookKind::pre_stop, listener()));
    BERTH_CO_TRY(bool unheard, co_await containers_.stop(container, a->grace_ns));
    if (unheard) unheard_.push_back(container->record.name);
    co_return berth::Status();
  }
  if (auto* a = std::get_if<KillContainer>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return containers_.kill(container, a->signal);
  }
  if (auto* a = std::get_if<PauseContainer>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return co_await containers_.pause(container);
  }
  if (auto* a = std::get_if<UnpauseContainer>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return containers_.unpause(container);
  }
  if (auto* a = std::get_if<ConnectNetwork>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return co_await containers_.connect_network(container, std::move(a->attachment));
  }
  if (auto* a = std::get_if<DisconnectNetwork>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    co_return co_await containers_.disconnect_network(container, std::move(a->network));
  }
  if (auto* a = std::get_if<RenameContainer>(&action)) {
    BERTH_CO_TRY(ContainerPtr container, find(a->container));
    ContainerPtr other;
    if (a->other) {
      BERTH_CO_TRY(other, find(*a->other));
    }
    co_return containers_.rename(container, other, a->container.name);
  }
  if (auto* a = std::get_if<HandOver>(&action)) {
    BERTH_CO_TRY(ContainerPtr from, find(a->from));
    BERTH_CO_TRY(ContainerPtr to, find(a->to));
    co_return co_await containers_.hand_over(from, to);
  }
  auto& remove = std::get<RemoveContainer>(action);
  BERTH_CO_TRY(ContainerPtr container, find(remove.container));
  co_return co_await containers_.remove(container, remove.anonymous_volumes);
}

}  // namespace berth::supervise
