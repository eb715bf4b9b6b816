// The keeper: what must survive the supervisor.
//
// How this works. One keeper runs per state root. It starts the supervisor as its child; the supervisor clones
// containers with CLONE_PARENT, so the keeper is the parent of every container's first process whatever happens to the
// supervisor. It
//   - reaps them and appends each exit to a journal (protocol.h), which is also how the supervisor learns of exits,
//   - copies containers' output from FIFOs into their log files,
//   - keeps descriptors by name (DNS and published-port sockets, listening socket) and gives them to the next
//   supervisor,
//   - starts the supervisor anew when it dies.
// It parses nothing, allocates nothing after start and uses no C++ library, so there is little in it that can fail. If
// it is killed all the same, the supervisor becomes the keeper by executing this program with --adopt
// (supervise/keeper_link.cpp).
//
//   berth-keeper RUN_DIR SUPERVISOR_PATH [GROUP | --adopt MEMFD]
//
// GROUP is the directory of a control group to live in.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "base/exit_record.h"
#include "supervise/keeper/fd_store.h"
#include "supervise/keeper/os.h"
#include "supervise/keeper/predecessors.h"
#include "supervise/keeper/protocol.h"
#include "supervise/keeper/pumps.h"
#include "supervise/keeper/unwritten.h"

namespace {

using berth::ExitRecord;
using namespace berth::keeper;

constexpr int kPatience = 4;  // supervisors that die at once before commands are told

epoll_event events[kMaxPumps + 8];  // room for all that may be ready at one time

int lock_fd = -1, listen_fd = -1, exits_fd = -1, control_fd = -1, epoll_fd = -1, signal_fd = -1, timer_fd = -1;
pid_t supervisor_pid = -1;
uint32_t generation = 0;  // supervisors started so far
bool leaving = false;
long respawn_delay_ms = 0;
int quick_deaths = 0;  // of supervisors, in a row
int64_t supervisor_started_ns = 0;
const char* run_dir;
const char* supervisor_path;

// ---- messages ------------------------------------------------------------------------------------------------------

bool send_message(Op op, const char* key, const int* fds, int count, int flags) {
  Message message{};
  message.op = op;
  message.generation = generation;
  if (key != nullptr) memcpy(message.key, key, kKeySize);
  iovec part{&message, sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > 0) {
    size_t size = sizeof(int) * static_cast<size_t>(count);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(rights), fds, size);
  }
  ssize_t n;
  do {
    n = sendmsg(control_fd, &header, MSG_NOSIGNAL | flags);
  } while (n < 0 && errno == EINTR);
  return n == sizeof message;
}

void watch(int fd, uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) complain("watch descriptor");
}

enum Tag : uint64_t { kSignalTag = 1, kControlTag, kTimerTag };

void remove_files(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    unlink(path);
  }
}

// ---- children ------------------------------------------------------------------------------------------------------

void start_supervisor();
bool read_request();

/// No supervisor comes up. Whoever waits for one sees the end of the connection, and what the last one said in the log.
void refuse_commands() {
  int command;
  while ((command = accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC)) >= 0) close(command);
  siginfo_t child{};
  bool alone = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
  if (!alone) return;  // containers run, and need us
  leaving = true;
  remove_files({"supervisor.sock", "exits", "supervised"});
}

void schedule_respawn() {
  // A supervisor that dies at once every time must not keep a core busy.
  bool short_lived = now_ns(CLOCK_MONOTONIC) - supervisor_started_ns < 1000000000;
  quick_deaths = short_lived ? quick_deaths + 1 : 0;
  if (quick_deaths >= kPatience) refuse_commands();
  if (leaving) return;
  respawn_delay_ms = !short_lived              ? 0
                     : respawn_delay_ms == 0   ? 50
                     : respawn_delay_ms < 5000 ? respawn_delay_ms * 2
                                               : 5000;
  if (respawn_delay_ms == 0) return start_supervisor();
  itimerspec delay{};
  delay.it_value.tv_sec = respawn_delay_ms / 1000;
  delay.it_value.tv_nsec = respawn_delay_ms % 1000 * 1000000;
  timerfd_settime(timer_fd, 0, &delay, nullptr);
}

/// As waitpid(2) would give it.
int wait_status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return info.si_status << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

void reap() {
  bool grown = false;
  for (;;) {
    siginfo_t info{};
    // WNOWAIT first: the identity has to be read while the number is still taken, and the end be in the journal before
    // the kernel forgets it.
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    if (info.si_pid == supervisor_pid) {
      supervisor_pid = -1;
    } else {
      ExitRecord record{};
      record.pid = info.si_pid;
      record.start_time = start_time_of(info.si_pid);
      record.time_ns = now_ns(CLOCK_REALTIME);
      record.status = wait_status_of(info);
      if (write(exits_fd, &record, sizeof record) != sizeof record) complain("write exit journal");
      grown = true;
    }
    waitpid(info.si_pid, nullptr, 0);
  }
  // A full socket is no loss: a message that tells the same is waiting in it.
  if (grown && control_fd >= 0) send_message(Op::child_exited, nullptr, nullptr, 0, MSG_DONTWAIT);
  if (supervisor_pid < 0 && control_fd >= 0) {
    // What it said last is still in the socket: descriptors that it stored a moment before it died.
    while (read_request()) continue;
    close(control_fd);
    control_fd = -1;
    if (!leaving) schedule_respawn();
  }
}

void start_supervisor() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return complain("socketpair");
  char exits_path[4096];
  snprintf(exits_path, sizeof exits_path, "%s/exits", run_dir);
  int reader = open(exits_path, O_RDONLY | O_CLOEXEC);
  supervisor_started_ns = now_ns(CLOCK_MONOTONIC);
  supervisor_pid = fork();
  if (supervisor_pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int ignored : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ}) signal(ignored, SIG_DFL);
    // Through numbers above the targets first, since a source may be one of them.
    int sources[3] = {fcntl(ends[1], F_DUPFD, 10), fcntl(listen_fd, F_DUPFD, 10), fcntl(reader, F_DUPFD, 10)};
    dup2(sources[0], kControlFd);
    dup2(sources[1], kListenFd);
    dup2(sources[2], kExitsFd);
    close_range(6, ~0U, 0);
    execute_sealed(supervisor_path, run_dir);
    complain("start supervisor");
    _exit(127);
  }
  close(ends[1]);
  if (reader >= 0) close(reader);
  control_fd = ends[0];
  if (supervisor_pid < 0) {
    complain("fork");
    close(control_fd);
    control_fd = -1;
    return schedule_respawn();
  }
  note_helper(lock_fd, Role::supervisor, supervisor_pid);
  watch(control_fd, kControlTag);
  for (int i = 0; i < entry_limit; ++i) {
    if (entries[i].count > 0) send_message(Op::stored, entries[i].key, entries[i].fds, entries[i].count, 0);
  }
  send_message(Op::ready, nullptr, nullptr, 0, 0);
  ++generation;
}

// ---- requests ------------------------------------------------------------------------------------------------------

/// Copies what containers have written until now.
void drain_pipes() {
  int n = epoll_wait(epoll_fd, events, sizeof events / sizeof *events, 0);
  for (int i = 0; i < n; ++i) run_pump(events[i].data.u64, kAllOfAPipe);
}

void handle(const Message& message, int* fds, int count) {
  switch (message.op) {
    case Op::store:
      return store_entry(message.key, fds, count);
    case Op::drop:
      return drop_entry(message.key);
    case Op::pump:
      if (count == 3) add_pump(epoll_fd, fds[2], fcntl(fds[0], F_DUPFD_CLOEXEC, 6), message.log, 2);
      if (count >= 2) add_pump(epoll_fd, fds[1], fds[0], message.log, 1);
      return;
    case Op::leave:
      leaving = true;
      // The socket goes first: a command line that comes now starts a keeper of its own and waits for our lock.
      remove_files({"supervisor.sock", "exits", "supervisor.log", "supervised", "unwritten"});
      close(listen_fd);
      return;
    case Op::sync:
      drain_pipes();
      [[fallthrough]];
    default:  // what a newer supervisor may say
      for (int i = 0; i < count; ++i) close(fds[i]);
  }
}

/// Handles one message; false if there is none.
bool read_request() {
  Message message{};
  iovec part{&message, sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t n = recvmsg(control_fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (n == 0) {  // the supervisor is going; reap() notices its end
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, control_fd, nullptr);
    return false;
  }
  int fds[kMaxFds];
  int count = 0;
  cmsghdr* rights = n > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    size_t size = rights->cmsg_len - CMSG_LEN(0);
    count = static_cast<int>(size / sizeof(int));
    memcpy(fds, CMSG_DATA(rights), size);
  }
  if (n == sizeof message) handle(message, fds, count);
  return n > 0;
}

// ---- start ---------------------------------------------------------------------------------------------------------

void listen_on_socket() {
  listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Relative to the run directory, so that any length of its path fits.
  strcpy(address.sun_path, "supervisor.sock");
  unlink(address.sun_path);
  if (listen_fd < 0 || fchmod(listen_fd, 0600) != 0 ||
      bind(listen_fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listen_fd, 128) != 0) {
    die("listen on supervisor.sock");
  }
}

/// What a supervisor that outlived its keeper hands to the program it becomes: a file of {Message, count, descriptor
/// numbers}.
void adopt(int table) {
  struct Record {
    Message message;
    int count;
    int fds[kMaxFds];
  } record;
  lseek(table, 0, SEEK_SET);
  while (read(table, &record, sizeof record) == sizeof record) {
    for (int i = 0; i < record.count; ++i) fcntl(record.fds[i], F_SETFD, FD_CLOEXEC);
    if (strcmp(record.message.key, "listen") == 0) {
      listen_fd = record.fds[0];
      continue;
    }
    if (record.message.op == Op::pump) generation = 1;
    handle(record.message, record.fds, record.count);
  }
  close(table);
  drain_pipes();  // before anybody is told that a container has ended
}

void become_daemon() {
  lock_fd = open("keeper.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  // Waits for a keeper that is about to leave. Held for life: whoever can take it knows that no keeper runs.
  if (lock_fd < 0 || flock(lock_fd, LOCK_EX) != 0) die("lock keeper.lock");
  wait_for_predecessors(lock_fd);
  note_helper(lock_fd, Role::keeper, getpid());
  prctl(PR_SET_NAME, "berth-keeper");
  // Children whose supervisor died mid-way come to us rather than to init, and are reaped.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  umask(0022);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "berth-keeper is started by berth\n");
    return 2;
  }
  run_dir = argv[1];
  supervisor_path = argv[2];
  if (chdir(run_dir) != 0) die(run_dir);
  if (argc == 4) enter_group(argv[3]);
  become_daemon();

  for (int ignored : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ}) signal(ignored, SIG_IGN);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_SETMASK, &child, nullptr);
  signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  exits_fd = open("exits", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (signal_fd < 0 || timer_fd < 0 || epoll_fd < 0 || exits_fd < 0) die("set up");
  watch(signal_fd, kSignalTag);
  watch(timer_fd, kTimerTag);

  open_unwritten();
  if (argc == 5 && strcmp(argv[3], "--adopt") == 0) adopt(atoi(argv[4]));
  if (listen_fd < 0) listen_on_socket();
  start_supervisor();

  while (!leaving || supervisor_pid > 0) {
    int n = epoll_wait(epoll_fd, events, sizeof events / sizeof *events, -1);
    bool asked = false, child_ended = false;
    for (int i = 0; i < n; ++i) {
      uint64_t tag = events[i].data.u64;
      if (tag == kSignalTag) {
        signalfd_siginfo ignored[16];
        while (read(signal_fd, ignored, sizeof ignored) > 0) continue;
        child_ended = true;
      } else if (tag == kControlTag) {
        asked = true;
      } else if (tag == kTimerTag) {
        uint64_t expirations;
        if (read(timer_fd, &expirations, sizeof expirations) > 0 && supervisor_pid < 0 && !leaving) start_supervisor();
      } else {
        run_pump(tag, 1);
      }
    }
    if (asked && control_fd >= 0) read_request();
    if (!child_ended) continue;
    // A container's last words are in its log before its end is told. It may be one that we have just been told to
    // pump.
    while (control_fd >= 0 && read_request()) continue;
    drain_pipes();
    reap();
  }
  return 0;
}
