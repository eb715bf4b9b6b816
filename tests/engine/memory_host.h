#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/apply.h"
#include "tests/engine/values.h"

namespace berth::test {

/// A host in memory for plans: takes steps as the real one does and complains where that one would (a container that
/// does not exist, a port that is held, a network in use). Steps end inside start(), or when the test says so.
class MemoryHost : public engine::StepRunner {
 public:
  struct Instance {
    std::string name, service;
    bool running = false;
    bool operator==(const Instance&) const = default;
  };
  /// All that is to be compared before and after.
  struct State {
    std::map<std::string, Instance> containers;  // by id
    std::map<uint16_t, std::string> ports;       // host port to id
    std::set<std::string> networks, volumes;
    bool operator==(const State&) const = default;
  };

  explicit MemoryHost(const engine::Stack& stack) : stack_(stack) {}

  State state;
  int fail_at = 0;                   // the step that fails, counted from 1 in the order of starts; 0 = none
  std::set<std::string> fail_on;     // "stop shop-web-1"
  bool deferred = false;             // steps end in end_one()
  std::vector<std::string> started;  // "start shop-web-1"
  int cancelled_waits = 0;

  /// What observe() would say of this host.
  [[nodiscard]] engine::Observed observe() const {
    engine::Observed observed;
    for (const auto& [id, instance] : state.containers) {
      engine::Container container = running(service_of(instance.service));
      container.record.id = id;
      container.record.name = instance.name;
      if (old_.contains(id)) container = outdated(container);
      observed.containers.push_back(instance.running ? container : exited(container));
    }
    for (const std::string& name : state.networks) observed.networks.push_back(existing(network(name)));
    observed.volumes.assign(state.volumes.begin(), state.volumes.end());
    return observed;
  }

  /// Puts a container there that an older file made, with the networks and volumes of the stack.
  void add_old(const std::string& service, bool is_running) {
    std::string name = "shop-" + service + "-1", id = "old-" + service;
    old_.insert(id);
    state.containers[id] = {name, service, is_running};
    if (is_running) (void)take_ports(id);
    for (const engine::NetworkConfig& config : stack_.networks) state.networks.insert(config.name);
    for (const engine::VolumeConfig& config : stack_.volumes) state.volumes.insert(config.name);
  }

  void start(engine::StepId, const engine::Step& step, std::function<void(Status)> done) override {
    engine::StepWords words = engine::words(step.action);
    std::string text = to_lower(words.verb) + " " + words.name;
    started.push_back(text);
    bool fails = static_cast<int>(started.size()) == fail_at || fail_on.contains(text);
    bool wait = std::holds_alternative<engine::WaitFor>(step.action);
    auto work = [this, action = step.action, text, fails]() -> Status {
      if (fails) return make_error(text + " was made to fail");
      return carry_out(action);
    };
    if (!deferred) return done(work());
    pending_.push_back({wait, std::move(work), std::move(done)});
  }

  void cancel_waits() override {
    ++cancelled_waits;
    std::deque<Pending> kept;
    std::vector<Pending> ended;
    for (Pending& p : pending_) (p.wait ? ended.push_back(std::move(p)) : kept.push_back(std::move(p)));
    pending_ = std::move(kept);
    for (Pending& p : ended) p.done(make_error("cancelled"));
  }

  [[nodiscard]] size_t pending() const { return pending_.size(); }

  /// Ends the step that began `index`th among those that have not ended.
  void end_one(size_t index = 0) {
    Pending p = std::move(pending_.at(index));
    pending_.erase(pending_.begin() + static_cast<ptrdiff_t>(index));
    p.done(p.work());
  }

 private:
  struct Pending {
    bool wait;
    std::function<Status()> work;
    std::function<void(Status)> done;
  };

  [[nodiscard]] const engine::ServiceConfig& service_of(const std::string& name) const {
    for (const engine::ServiceConfig& service : stack_.services) {
      if (service.name == name) return service;
    }
    static const engine::ServiceConfig none;
    return none;
  }

  Status take_ports(const std::string& id) {
    for (const engine::PortConfig& port : service_of(state.containers.at(id).service).container.ports) {
      auto [held, fresh] = state.ports.try_emplace(port.host_port, id);
      if (!fresh && held->second != id) return make_error("port is held by " + held->second);
    }
    return {};
  }

  void release_ports(const std::string& id) {
    std::erase_if(state.ports, [&](const auto& entry) { return entry.second == id; });
  }

  [[nodiscard]] Result<std::string> find(const engine::ContainerRef& ref) const {
    std::string id = ref.id.empty() ? "new-" + ref.name : ref.id;
    if (!state.containers.contains(id)) return make_error(id + " does not exist");
    return id;
  }

  Status remove(const engine::ContainerRef& ref) {
    BERTH_TRY(std::string id, find(ref));
    if (state.containers[id].running) return make_error(id + " is running");
    release_ports(id);
    state.containers.erase(id);
    return {};
  }

  Status start_container(const engine::ContainerRef& ref) {
    BERTH_TRY(std::string id, find(ref));
    BERTH_TRY_OK(take_ports(id));
    state.containers[id].running = true;
    return {};
  }

  Status stop_container(const engine::ContainerRef& ref) {
    BERTH_TRY(std::string id, find(ref));
    state.containers[id].running = false;
    release_ports(id);
    return {};
  }

  Status carry_out(const engine::Action& action) {
    using namespace engine;
    if (auto* a = std::get_if<CreateNetwork>(&action)) state.networks.insert(a->network.name);
    if (auto* a = std::get_if<CreateVolume>(&action)) state.volumes.insert(a->volume.name);
    if (auto* a = std::get_if<RemoveVolume>(&action)) state.volumes.erase(a->name);
    if (auto* a = std::get_if<CreateContainer>(&action)) {
      state.containers["new-" + a->container.name] = {a->container.name, a->service, false};
    }
    if (auto* a = std::get_if<RemoveNetwork>(&action)) {
      if (!state.containers.empty()) return make_error("network " + a->name + " is in use");
      state.networks.erase(a->name);
    }
    if (auto* a = std::get_if<ReservePorts>(&action)) {
      BERTH_TRY(std::string id, find(a->container));
      return take_ports(id);
    }
    if (auto* a = std::get_if<StartContainer>(&action)) return start_container(a->container);
    if (auto* a = std::get_if<StopContainer>(&action)) return stop_container(a->container);
    if (auto* a = std::get_if<RemoveContainer>(&action)) return remove(a->container);
    return {};
  }

  engine::Stack stack_;
  std::set<std::string> old_;
  std::deque<Pending> pending_;
};

}  // namespace berth::test
