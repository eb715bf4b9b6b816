#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/event_log.h"
#include "engine/joins.h"
#include "engine/plan.h"
#include "engine/run_spec.h"
#include "engine/state.h"
#include "images/store.h"
#include "runtime/cgroup.h"
#include "runtime/host.h"
#include "runtime/launch.h"
#include "supervise/health.h"
#include "supervise/keeper_link.h"
#include "supervise/native_probe.h"
#include "supervise/networks.h"
#include "supervise/task.h"
#include "supervise/tracers.h"
#include "sys/pidfd.h"
#include "volumes/store.h"

namespace berth::supervise {

/// Descriptors of the command that a one-off container belongs to (engine::RunRequest).
struct ForeignStdio {
  sys::UniqueFd in, out, err;  // without a tty
  sys::UniqueFd console;       // with one: a socket on which its master is sent
};

/// One container that the supervisor looks after.
struct Managed {
  Managed(const asio::any_io_executor& executor, engine::ContainerRecord r)
      : record(std::move(r)), changed(executor), restart_timer(executor) {}

  engine::ContainerRecord record;
  engine::LiveState live;
  sys::Pidfd process;
  std::optional<ForeignStdio> stdio;  // for its next run, instead of the log
  Signal changed;                     // live has changed
  asio::steady_timer restart_timer;
  std::shared_ptr<ProbeStop> probe_stop = std::make_shared<ProbeStop>();
  std::chrono::steady_clock::time_point started;
  uint64_t oom_kills = 0;  // of this run, that have been told
  uint64_t run = 0;        // counts starts; what belongs to an earlier run sees that it is over
  bool starting = false;
  bool removing = false;
  bool ports_later = false;  // another container has its published ports until hand_over()
};
using ContainerPtr = std::shared_ptr<Managed>;

enum class HookKind { post_start, pre_stop };

/// Who hears of hooks while they run.
struct HookListener {
  std::function<void(const std::string& source, const std::string& line)> on_line;  // "web-1 ->", what it printed
  std::shared_ptr<const bool> cancelled;  // looked at whenever the container changes; ends the hook
};

/// The life of containers: made, started, watched, stopped, removed. The only writer of their state files.
class Containers {
 public:
  struct Parts {
    asio::io_context& io;
    asio::thread_pool& pool;
    const engine::StateStore& store;
    runtime::Host& host;
    Networks& networks;
    KeeperLink& keeper;
  };
  explicit Containers(Parts parts) : parts_(parts), events_(parts.store.paths()) {}

  /// Takes over every container in the files: live ones are watched on, the end of those that ended meanwhile is
  /// written down.
  void adopt(std::vector<engine::Container> containers);

  /// Called when there may be nothing left to look after.
  void on_idle(std::function<void()> handler) { idle_ = std::move(handler); }
  /// True while any container runs or is to be started again.
  [[nodiscard]] bool busy() const;

  /// Makes the record; nothing runs yet. `lenders` has the records of all that it takes from. Error: image missing,
  /// nothing to run.
  [[nodiscard]] Result<ContainerPtr> create(const engine::Stack& stack, const engine::ServiceConfig& service,
                                            const engine::CreateContainer& action, const engine::Lenders& lenders);
  /// Adds to the events of `berth events`.
  void tell(const Managed& container, std::string action, engine::StringMap more = {}) const {
    events_.add(engine::event_of(container.record, std::move(action), std::move(more)));
  }
  /// By id; nullptr if there is none.
  [[nodiscard]] ContainerPtr find(const std::string& id) const;

  /// Takes the container's published ports on the host.
  Task<void> reserve_ports(ContainerPtr container);
  /// Ok if it runs already; its restart policy begins anew. On error everything that was made for the run is taken
  /// back; the ports stay reserved until remove().
  Task<void> start(ContainerPtr container);
  /// The stop signal, the grace period, then SIGKILL to all of it. Ok if it does not run. True if it was killed without
  /// waiting, because its first process does not hear the signal. Error: SIGKILL does not end it.
  Task<bool> stop(ContainerPtr container, std::optional<int64_t> grace_ns);
  /// One after the other, in the container, which runs. Error: the first that fails, with its last output; the rest is
  /// left out.
  Task<void> run_hooks(ContainerPtr container, HookKind kind, HookListener listener);
  [[nodiscard]] Status kill(const ContainerPtr& container, int signal);
  /// Every process of it stands still, until unpause(), stop() or a deadly signal. Probes rest meanwhile. Error: it
  /// does not run, or is paused already.
  Task<void> pause(ContainerPtr container);
  /// Error: it is not paused.
  [[nodiscard]] Status unpause(const ContainerPtr& container);
  /// Requires: it does not run. With its writable layer, log and, if asked, anonymous volumes.
  Task<void> remove(ContainerPtr container, bool anonymous_volumes);
  /// `network connect` and `disconnect`: at once if it runs, else from its next start on. After an error it has the
  /// networks that it had.
  Task<void> connect_network(ContainerPtr container, engine::AttachmentConfig attachment);
  Task<void> disconnect_network(ContainerPtr container, std::string network);
  /// Until the condition holds, cannot hold any more, or the time is over. `cancelled` is looked at whenever the
  /// container changes.
  Task<void> wait(ContainerPtr container, engine::WaitFor wait, std::shared_ptr<const bool> cancelled);
  /// It takes the name of `other`, or with none the one that its project, service and number make; `other` takes the
  /// one that it has had. Running ones answer to them at once.
  [[nodiscard]] Status rename(const ContainerPtr& container, const ContainerPtr& other, const std::string& name);
  /// From here on published ports and names lead to `to`; returns when what was on its way to `from` has had time to
  /// arrive. After an error they lead where they led.
  Task<void> hand_over(ContainerPtr from, ContainerPtr to);
  /// Until its run has ended; of one that goes then (auto_remove), until it is gone.
  Work wait_until_over(ContainerPtr container);
  /// Wakes all that wait, so that they see they are cancelled.
  void wake_all();

  /// Who hears of parts of starts, and of probes.
  [[nodiscard]] Tracers& tracers() { return tracers_; }

  [[nodiscard]] const runtime::CgroupMounts& control_groups() const { return parts_.host.cgroups(); }

  /// The master of the container's terminal. Error: it does not run, or has none.
  [[nodiscard]] Result<sys::UniqueFd> console(const std::string& id) const;

  /// How a child of the keeper ended.
  void on_exit(const ExitRecord& exit);

 private:
  /// The two sides of a container's streams. FIFOs that the container opens for reading and writing: with a reader of
  /// its own it never gets EPIPE, and whoever comes later can open the other end by path.
  struct Streams {
    sys::UniqueFd in, out, err;            // the container's side; `in` may be invalid
    sys::UniqueFd out_reader, err_reader;  // ours
  };

  /// What a container takes from others and from images for the length of its start.
  struct Loan {
    sys::UniqueFd pid, ipc, shared_memory;
    std::map<size_t, sys::UniqueFd> images;

    [[nodiscard]] engine::Borrowed refs() const;
  };

  [[nodiscard]] Status send(const Managed& container, int signal) const;
  Task<void> start_again(ContainerPtr container);
  Task<bool> end_run(ContainerPtr container, Duration grace);
  Task<void> run_hook(ContainerPtr container, engine::HookConfig hook, std::string what, HookListener listener);
  Work end_unhealthy(ContainerPtr container);
  Task<void> run_once(ContainerPtr container);
  Task<void> change_networks(ContainerPtr container, std::vector<engine::AttachmentConfig> attachments);
  Work finish_networks(ContainerPtr container);
  [[nodiscard]] Result<ContainerPtr> lender(const Managed& container, const std::string& mode, const char* what) const;
  Task<sys::Netns> network_of(ContainerPtr container);
  [[nodiscard]] Status borrow_namespaces(const Managed& container, Loan& loan) const;
  Task<Loan> borrow(ContainerPtr container);
  void unmount_unused(const engine::ContainerRecord& record) const;
  Task<void> prepare_mounts(ContainerPtr container);
  [[nodiscard]] Result<Streams> open_streams(const Managed& container) const;
  [[nodiscard]] Result<runtime::LaunchIo> connect_output(const ContainerPtr& container, Streams& streams);
  [[nodiscard]] Status connect_console(const ContainerPtr& container, sys::FdRef master);
  [[nodiscard]] Result<runtime::Cgroup> cgroup_of(const Managed& container) const;
  [[nodiscard]] Status thaw(const ContainerPtr& container);
  Work remove_itself(ContainerPtr container);
  /// `known`: the keeper copies it already.
  [[nodiscard]] Status pump(const Managed& container, sys::FdRef out, sys::FdRef err, bool known = false);
  [[nodiscard]] Status adopt_output(const Managed& container);
  [[nodiscard]] Status adopt_live(const ContainerPtr& container);
  void drop_descriptors_of_the_dead();
  void learn_end(const ContainerPtr& container);
  void ended(const ContainerPtr& container, int wait_status, int64_t time_ns);
  Work watch_adopted(ContainerPtr container, uint64_t run);
  void write_down(const ContainerPtr& container);
  void consider_restart(const ContainerPtr& container);
  Work restart_later(ContainerPtr container, Duration delay);
  Work watch_oom(ContainerPtr container, uint64_t run);
  bool note_oom(Managed& container, const runtime::Cgroup& group) const;
  Work watch_health(ContainerPtr container, uint64_t run);
  void trace_probe(const Managed& container, const engine::ProbeResult& result,
                   std::chrono::steady_clock::time_point begun);
  void trace_turn(const Managed& container);
  Task<engine::ProbeResult> probe(ContainerPtr container, Duration timeout);
  [[nodiscard]] Error why_not(const Managed& container, engine::Condition condition) const;

  Parts parts_;
  engine::EventLog events_;
  Tracers tracers_;
  std::map<std::string, ContainerPtr> containers_;  // by id
  std::vector<ExitRecord> unclaimed_;               // ends of processes that no container claims yet
  std::function<void()> idle_;
};

}  // namespace berth::supervise
