#pragma once

#include <span>
#include <string_view>

namespace berth::oci {

/// The commands of an OCI runtime as runc has them: what the program parses, and what manual and completion show.
struct FlagRow {
  std::string_view name;    // long, without dashes
  std::string_view letter;  // short, or ""
  bool takes_value;
  std::string_view help;
};

struct CommandRow {
  std::string_view name, operands, help;
  std::span<const FlagRow> flags;
};

inline constexpr FlagRow kGlobalFlags[] = {
    {"root", "", true, "Directory of the containers' state (/run/berth-oci)"},
    {"log", "", true, "File that errors and warnings are appended to"},
    {"log-format", "", true, "text or json"},
    {"debug", "", false, "Log more"},
    {"systemd-cgroup", "", false, "Not supported: systemd is not asked for control groups"},
    {"rootless", "", true, "Only \"false\" and \"auto\" are supported"},
    {"criu", "", true, "For runc's callers; there are no checkpoints, so without meaning here"},
};

inline constexpr FlagRow kCreateFlags[] = {
    {"bundle", "b", true, "Directory of config.json, the current one if missing"},
    {"console-socket", "", true, "Unix socket that gets the terminal's master"},
    {"pid-file", "", true, "File to write the process's number to"},
    {"no-pivot", "", false, "Move the root instead of pivoting into it"},
    {"no-new-keyring", "", false, "Keep the caller's session keyring"},
    {"preserve-fds", "", true, "Number of descriptors from 3 on to hand to the container"},
};

inline constexpr FlagRow kRunFlags[] = {
    {"bundle", "b", true, "Directory of config.json, the current one if missing"},
    {"console-socket", "", true, "Unix socket that gets the terminal's master"},
    {"pid-file", "", true, "File to write the process's number to"},
    {"no-pivot", "", false, "Move the root instead of pivoting into it"},
    {"no-new-keyring", "", false, "Keep the caller's session keyring"},
    {"preserve-fds", "", true, "Number of descriptors from 3 on to hand to the container"},
    {"detach", "d", false, "Return when the process runs"},
    {"keep", "", false, "Do not delete the container when it has ended"},
    {"no-subreaper", "", false, "For runc's callers; nothing is reaped for others, so without meaning here"},
};

inline constexpr FlagRow kExecFlags[] = {
    {"console-socket", "", true, "Unix socket that gets the terminal's master"},
    {"cwd", "", true, "Working directory"},
    {"env", "e", true, "Set an environment variable, NAME=VALUE"},
    {"tty", "t", false, "Give it a terminal"},
    {"user", "u", true, "UID[:GID]"},
    {"additional-gids", "g", true, "A further group"},
    {"process", "p", true, "File with the whole process, as in config.json"},
    {"detach", "d", false, "Return when the process runs"},
    {"pid-file", "", true, "File to write the process's number to"},
    {"process-label", "", true, "SELinux label"},
    {"apparmor", "", true, "AppArmor profile"},
    {"no-new-privs", "", false, "No new privileges"},
    {"cap", "c", true, "A further capability"},
    {"preserve-fds", "", true, "Number of descriptors from 3 on to hand to the process"},
    {"ignore-paused", "", false, "Not supported: a process would wait until the container is resumed"},
};

inline constexpr FlagRow kKillFlags[] = {{"all", "a", false, "Every process of the container"}};
inline constexpr FlagRow kDeleteFlags[] = {{"force", "f", false, "Kill it before, and do not mind if there is none"}};
inline constexpr FlagRow kListFlags[] = {{"format", "f", true, "table or json"}, {"quiet", "q", false, "Only the ids"}};
inline constexpr FlagRow kPsFlags[] = {{"format", "f", true, "table or json"}};
inline constexpr FlagRow kSpecFlags[] = {{"bundle", "b", true, "Directory to write config.json to"},
                                         {"rootless", "", false, "Not supported"}};

inline constexpr FlagRow kUpdateFlags[] = {
    {"resources", "r", true, "File with linux.resources, - is standard input"},
    {"blkio-weight", "", true, "Weight of block I/O, 10 to 1000"},
    {"cpu-period", "", true, "CPU period in microseconds"},
    {"cpu-quota", "", true, "CPU time in each period, in microseconds"},
    {"cpu-burst", "", true, "CPU time that can be saved up, in microseconds"},
    {"cpu-rt-period", "", true, "Realtime period in microseconds"},
    {"cpu-rt-runtime", "", true, "Realtime in each period, in microseconds"},
    {"cpu-share", "", true, "CPU shares, 2 to 262144"},
    {"cpu-idle", "", true, "1 = only when nobody else wants the CPU"},
    {"cpuset-cpus", "", true, "CPUs to run on, like 0-2,4"},
    {"cpuset-mems", "", true, "Memory nodes"},
    {"memory", "", true, "Memory limit in bytes"},
    {"memory-reservation", "", true, "Soft memory limit in bytes"},
    {"memory-swap", "", true, "Limit of memory and swap in bytes, -1 for none"},
    {"pids-limit", "", true, "Number of processes, -1 for no limit"},
};

inline constexpr CommandRow kCommands[] = {
    {"create", "CONTAINER", "Make a container, whose process waits to be started", kCreateFlags},
    {"start", "CONTAINER", "Start the process of a created container", {}},
    {"run", "CONTAINER", "Make a container and start it", kRunFlags},
    {"exec", "CONTAINER [COMMAND [ARGS...]]", "Run a further process in a container", kExecFlags},
    {"state", "CONTAINER", "Print the state of a container", {}},
    {"kill", "CONTAINER [SIGNAL]", "Send a signal to a container's process", kKillFlags},
    {"delete", "CONTAINER", "Remove what a container has left", kDeleteFlags},
    {"list", "", "List containers", kListFlags},
    {"ps", "CONTAINER", "List the processes of a container", kPsFlags},
    {"pause", "CONTAINER", "Freeze all processes of a container", {}},
    {"resume", "CONTAINER", "Let a paused container go on", {}},
    {"update", "CONTAINER", "Change the limits of a container", kUpdateFlags},
    {"features", "", "Print what is supported, as JSON", {}},
    {"spec", "", "Write a config.json to begin with", kSpecFlags},
};

/// Commands of runc that are refused by name.
inline constexpr std::string_view kRefused[] = {"checkpoint", "restore", "events"};

}  // namespace berth::oci
