#include "runtime/launch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/check.h"
#include "runtime/devices.h"
#include "runtime/launch_error.h"
#include "runtime/launch_state.h"
#include "sys/file.h"
#include "sys/unix_socket.h"

namespace berth::runtime {
namespace {

constexpr size_t kPage = 4096;
constexpr std::string_view kOwnGroups = "berth-";  // no limits of other containers above these

/// What the child had to say: a record, or nothing because exec or death closed its end.
Result<std::optional<ChildError>> read_report(sys::FdRef pipe) {
  ChildError report{};
  ssize_t n;
  do {
    n = read(pipe.get(), &report, sizeof report);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error("read the child's report", errno);
  if (n == 0) return std::optional<ChildError>();
  if (n != sizeof report) return make_error("the child's report was cut short");
  return std::optional(report);
}

/// Whether a container's first process may be born in our memory (CloneOptions::in_our_memory). Not where others are in
/// its pid namespace: with CAP_SYS_PTRACE they could look at it. Not where its memory limit may end it before it has
/// its own memory: the kernel would end us along with it. Not where it waits for us.
bool may_share_memory(const ContainerSpec& spec, const Prepared& prepared) {
  constexpr int64_t kAmple = 64 << 20;
  return spec.pid.kind == NamespaceMode::Kind::own && !spec.bare && !prepared.meets() &&
         spec.resources.memory.value_or(kAmple) >= kAmple && spec.cgroup_path.starts_with(kOwnGroups);
}

}  // namespace

Result<SharedFlag> SharedFlag::create() {
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return sys_error("mmap", errno);
  return SharedFlag(static_cast<uint32_t*>(page));
}

SharedFlag::~SharedFlag() {
  if (page_ != nullptr) munmap(page_, kPage);
}

Status Launch::State::follow(sys::UniqueFd pidfd) {
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(child.pidfd.fd().get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  child.pidfd = sys::Pidfd(std::move(pidfd));
  BERTH_TRY(child.pid, child.pidfd.pid());
  BERTH_TRY(identity, sys::identify(child.pid));
  return {};
}

Status Launch::State::attend() {
  for (;;) {
    BERTH_TRY(sys::Message message, sys::receive_with_fds(meetings.ref(), 1));
    if (message.data.empty()) return {};
    auto point = static_cast<Meeting>(message.data[0]);
    if (point == Meeting::maps) {
      BERTH_TRY_OK(sys::write_existing(fmt::format("/proc/{}/gid_map", child.pid), gid_map).context("map group ids"));
      BERTH_TRY_OK(sys::write_existing(fmt::format("/proc/{}/uid_map", child.pid), uid_map).context("map user ids"));
    } else if (point == Meeting::moved && message.fds.size() == 1) {
      BERTH_TRY_OK(follow(std::move(message.fds[0])));
      if (prepared->plan.born_inside) continue;  // it waits for nothing, and is to execute without us
    } else if (on_meeting) {
      BERTH_TRY_OK(on_meeting(point, child.pid));
    }
    Status answered = sys::send_with_fds(meetings.ref(), message.data, {});
    if (!answered && answered.error().code != EPIPE) return answered;  // EPIPE: it has ended, and said why
  }
}

void Launch::State::end_child() {
  if (!child.pidfd.valid()) return;
  (void)child.pidfd.signal(SIGKILL);
  siginfo_t info{};
  if (reaped_by_parent) {
    (void)child.pidfd.wait_exit(-1);
    return;
  }
  while (waitid(P_PIDFD, static_cast<id_t>(child.pidfd.fd().get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

void Launch::State::roll_back() {
  // Errors here add nothing for a caller who is being told why the start failed; what stays shows in the next start or
  // `doctor`.
  if (cgroup) (void)cgroup->kill();
  end_child();
  // The one that has ended may have had a successor of which we have not heard yet.
  if (meetings.valid() && fcntl(meetings.ref().get(), F_SETFL, O_NONBLOCK) == 0) {
    Result<sys::Message> message = sys::receive_with_fds(meetings.ref(), 1);
    if (message && message->fds.size() == 1) {
      child.pidfd = sys::Pidfd(std::move(message->fds[0]));
      end_child();
    }
  }
  if (cgroup) (void)cgroup->remove();
}

Launch::Launch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Launch::Launch(Launch&&) noexcept = default;
Launch& Launch::operator=(Launch&& other) noexcept {
  if (this != &other) {
    if (state_ && !state_->finished) state_->roll_back();
    state_ = std::move(other.state_);
  }
  return *this;
}
Launch::~Launch() {
  if (state_ && !state_->finished) state_->roll_back();
}

sys::FdRef Launch::ready_fd() const {
  return state_->error_pipe.ref();
}
int Launch::exit_code() const {
  return state_->exit_code;
}
pid_t Launch::pid() const {
  return state_->child.pid;
}

Result<Running> Launch::finish() {
  BERTH_CHECK(!state_->finished);
  State& state = *state_;
  auto failed = [&](Error error, int code) -> Result<Running> {
    state.roll_back();
    state.finished = true;
    state.exit_code = code;
    return error;
  };
  if (state.meetings.valid()) {
    if (Status attended = state.attend(); !attended) return failed(std::move(attended).error(), 125);
  }
  Result<std::optional<ChildError>> report = read_report(state.error_pipe.ref());
  if (!report) return failed(std::move(report).error(), 125);
  if (*report) return failed(describe(**report, state.prepared->plan), exit_code_of(**report));
  if (*state.reached_exec.get() != 1) {
    return failed(make_error("the process was killed while it was being set up",
                             "the memory limit may be too small, or somebody stopped it"),
                  125);
  }
  Running running{state.child.pid, std::move(state.child.pidfd), state.identity, {}};
  if (state.console.valid()) {
    Result<sys::Message> message = sys::receive_with_fds(state.console.ref(), 1);
    if (!message || message->fds.size() != 1) {
      state.child.pidfd = std::move(running.pidfd);
      return failed(message ? make_error("the terminal did not arrive") : std::move(message).error(), 125);
    }
    running.console_master = std::move(message->fds[0]);
  }
  state.finished = true;
  return running;
}

Result<std::unique_ptr<Launch::State>> launch(std::unique_ptr<Prepared> prepared, const CloneOptions& options) {
  BERTH_TRY(SharedFlag flag, SharedFlag::create());
  auto state = std::make_unique<Launch::State>(std::move(prepared), std::move(flag));
  ChildPlan& plan = state->prepared->plan;
  plan.reached_exec = state->reached_exec.get();

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  state->error_pipe.reset(ends[0]);
  sys::UniqueFd child_end(ends[1]);
  plan.error_fd = child_end.get();
  sys::UniqueFd console_end;
  if (plan.tty) {
    BERTH_TRY(auto sockets, sys::socket_pair(SOCK_SEQPACKET));
    state->console = std::move(sockets.first);
    console_end = std::move(sockets.second);
    plan.console_fd = console_end.get();
  }

  sys::UniqueFd meeting_end;
  if (state->prepared->meets()) {
    BERTH_TRY(auto sockets, sys::socket_pair(SOCK_SEQPACKET));
    state->meetings = std::move(sockets.first);
    meeting_end = std::move(sockets.second);
    plan.meet_fd = meeting_end.get();
    plan.parent_fd = state->meetings.get();
  }

  BERTH_TRY(state->child, clone_child(plan, options));
  state->reaped_by_parent = options.parent;
  state->prepared->descriptors.clear();  // the child has its own copies
  // Gone already only if the parent has reaped a child that failed at once; finish() will say why. One that makes
  // another first is not asked: it executes something right now, and /proc would have us wait until it has.
  state->identity = sys::ProcessIdentity{state->child.pid, 0};
  if (!plan.born_inside) state->identity = sys::identify(state->child.pid).value_or(state->identity);
  return state;
}

Result<Launch> Launch::start(Host& host, const ContainerSpec& spec, const LaunchIo& io) {
  BERTH_TRY(Devices devices, plan_devices(spec));
  BERTH_TRY(Cgroup cgroup, Cgroup::create(host.cgroups(), spec.cgroup_path, spec.resources, devices.rules));
  auto start_in = [&]() -> Result<std::unique_ptr<State>> {
    BERTH_TRY(std::unique_ptr<Prepared> prepared, prepare_container(host, spec, devices.nodes, cgroup, io));
    CloneOptions options;
    options.cgroup = cgroup.directory();
    options.parent = io.clone_parent;
    options.in_our_memory = may_share_memory(spec, *prepared);
    bool own_pids = spec.pid.kind == NamespaceMode::Kind::own;
    if (own_pids) (prepared->plan.second_clone ? prepared->plan.second_clone_flags : options.flags) |= CLONE_NEWPID;
    if (spec.pid.kind == NamespaceMode::Kind::join) options.pid_namespace = spec.pid.fd;
    BERTH_TRY(std::unique_ptr<State> state, launch(std::move(prepared), options));
    state->on_meeting = io.on_meeting;
    state->uid_map = render_id_map(spec.uid_map);
    state->gid_map = render_id_map(spec.gid_map);
    return state;
  };
  Result<std::unique_ptr<State>> started = start_in();
  if (!started) {
    (void)cgroup.remove();  // the first error is the one to report; a group that stays is taken over by the next start
    return std::move(started).error();
  }
  (*started)->cgroup = std::move(cgroup);
  return Launch(std::move(*started));
}

}  // namespace berth::runtime
