#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/apply.h"
#include "supervise/containers.h"
#include "supervise/networks.h"
#include "supervise/task.h"

namespace berth::supervise {

/// Carries out the steps of a plan on this host.
class HostRunner : public engine::StepRunner {
 public:
  /// `stack` describes what CreateContainer makes; empty for plans that create none.
  HostRunner(asio::io_context& io, Containers& containers, Networks& networks, const engine::StateStore& store,
             engine::Stack stack);

  void start(engine::StepId id, const engine::Step& step, std::function<void(berth::Status)> done) override;
  void cancel_waits() override;
  /// What the one-off container of this plan is connected to instead of the log.
  void connect_one_off(ForeignStdio stdio) { stdio_ = std::move(stdio); }
  /// Who hears what hooks print: the container's name and a line.
  void on_hook_line(std::function<void(const std::string&, const std::string&)> listener) {
    on_hook_line_ = std::move(listener);
  }
  /// The one-off container, once it has been created; nullptr if there is none.
  [[nodiscard]] const ContainerPtr& one_off() const { return one_off_; }

  /// What the user could do better, seen on the way; once.
  [[nodiscard]] std::vector<std::string> take_hints();

  /// Waits may be made again, for the plan that takes back.
  void allow_waits();

 private:
  Task<void> start(ContainerPtr container);
  [[nodiscard]] HookListener listener() const;
  Task<void> carry_out(engine::Action action);
  Task<void> wait(ContainerPtr container, engine::WaitFor wanted);
  [[nodiscard]] Status create(const engine::CreateContainer& action);
  [[nodiscard]] Result<ContainerPtr> find(const engine::ContainerRef& ref) const;
  [[nodiscard]] Status create_volume(const engine::VolumeConfig& config) const;

  asio::io_context& io_;
  Containers& containers_;
  Networks& networks_;
  const engine::StateStore& store_;
  engine::Stack stack_;
  std::map<std::string, std::string> created_;  // name to id, of what this plan made
  std::optional<ForeignStdio> stdio_;
  ContainerPtr one_off_;
  std::function<void(const std::string&, const std::string&)> on_hook_line_;
  std::vector<std::string> unheard_;  // containers that did not hear the stop signal
  std::shared_ptr<bool> cancelled_ = std::make_shared<bool>(false);
};

}  // namespace berth::supervise
