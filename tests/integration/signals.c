/* A first process that waits for SIGTERM in one of the ways that programs know, and then ends with code 7. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_signal(int signal) {
  (void)signal;
  _exit(7);
}

/* Takes itself away, and needs its time to end. */
static void on_signal_once(int signal) {
  (void)signal;
  usleep(600000);
  _exit(7);
}

int main(int argc, char** argv) {
  const char* way = argc > 1 ? argv[1] : "";
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  if (strcmp(way, "sigwait") == 0) {
    sigprocmask(SIG_BLOCK, &set, NULL);
    puts("ready");
    fflush(stdout);
    int signal = 0;
    sigwait(&set, &signal);
  } else if (strcmp(way, "signalfd") == 0) {
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo info;
    puts("ready");
    fflush(stdout);
    if (read(fd, &info, sizeof info) < 0) return 1;
  } else if (strcmp(way, "late") == 0) {
    usleep(100000);
    signal(SIGTERM, on_signal);
    for (;;) pause();
  } else if (strcmp(way, "once") == 0) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal_once;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGTERM, &action, NULL);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
  } else if (strcmp(way, "deep") == 0) {
    /* Sleeps in the kernel, where only SIGKILL reaches it, until its child executes something: never. */
    signal(SIGTERM, on_signal);
    puts("ready");
    fflush(stdout);
    if (vfork() == 0) {
      kill(getpid(), SIGSTOP);
      _exit(0);
    }
  } else {
    puts("ready");
    fflush(stdout);
    for (;;) pause();
  }
  return 7;
}
