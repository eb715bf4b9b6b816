// berth-exec: how a further process comes into a container that runs.
//
//   berth-exec|berth-exec-tty PATH ARGV0 [ARG…]
//
// We are in all of the container's namespaces but that of its processes, which only a child can be born into, and have
// given up all that the program shall not have. Being small, we can be copied in no time, and a copy of us is nothing
// worth looking at (CVE-2016-9962). The child belongs to our parent, which gets a pidfd of it over descriptor 4 and
// waits for our end. With "-tty" standard input is its terminal.

#include <linux/sched.h>

#include "../meeting.h"
#include "raw.h"

namespace berth::init {
namespace {

constexpr Word kDumpable = 4;                 // PR_SET_DUMPABLE
constexpr Word kTakeTerminal = 0x540E;        // TIOCSCTTY
constexpr Word kNoSignal = 0x4000;            // MSG_NOSIGNAL
constexpr int kSocketLevel = 1, kRights = 1;  // SOL_SOCKET, SCM_RIGHTS
constexpr int kSigKill = 9;

// struct iovec, cmsghdr with one descriptor, msghdr of 64-bit Linux.
struct Part {
  void* base;
  unsigned long length;
};
struct alignas(8) Control {
  unsigned long length;
  int level, type;
  int descriptor;
};
struct Message {
  void* name;
  int name_length;
  Part* parts;
  unsigned long part_count;
  Control* control;
  unsigned long control_length;
  int flags;
};

/// Tells our parent that the process is another from here on, and ends.
[[noreturn]] void hand_over(int pidfd) {
  char letter = static_cast<char>(runtime::Meeting::moved);
  Part part{&letter, 1};
  Control control{__builtin_offsetof(Control, descriptor) + sizeof(int), kSocketLevel, kRights, pidfd};
  Message message{nullptr, 0, &part, 1, &control, sizeof control, 0};
  if (call(__NR_sendmsg, kMeetFd, address(&message), kNoSignal) == 1) leave(0);
  call(__NR_pidfd_send_signal, pidfd, kSigKill);
  leave(127);
}

}  // namespace

void enter(char** argv, char** environment, bool terminal) {
  // Not before the program is executed may anybody in there take hold of our descriptors.
  call(__NR_prctl, kDumpable, 0);
  int pidfd = -1;
  // Not clone3: a seccomp program cannot look into its arguments and so mostly denies it.
  Word pid = call(__NR_clone, CLONE_PARENT | CLONE_PIDFD, 0, address(&pidfd));
  if (pid < 0) report(Stage::join_namespace, pid);
  if (pid > 0) hand_over(pidfd);
  call(__NR_close, kMeetFd);
  call(__NR_setsid);  // fails never: a newborn leads no group
  if (terminal) {
    Word failed = call(__NR_ioctl, 0, kTakeTerminal, 0);
    if (failed < 0) report(Stage::console, failed);
  }
  execute(argv, environment);
}

}  // namespace berth::init
