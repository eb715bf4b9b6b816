#include "supervise/keeper/pumps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "supervise/keeper/log_writer.h"
#include "supervise/keeper/os.h"
#include "supervise/keeper/unwritten.h"

namespace berth::keeper {
namespace {

/// One stream of one container. Both streams of a container share the log.
struct Pump {
  int from;  // -1 = free
  LogFile* to;
  uint8_t stream;
  bool line_open;
};

Pump pumps[kMaxPumps];
int pump_limit = 0;  // pumps at and above this index have never been used

void end_pump(Pump& pump) {
  if (pump.line_open) write_end(*pump.to, pump.stream);
  close(pump.from);  // leaves epoll with its last descriptor
  leave_log(*pump.to);
  pump.from = -1;
}

enum class Copied { some, nothing, end };

Copied copy_once(Pump& pump) {
  const Taken taken = take(pump.from, *pump.to, pump.stream);
  if (taken.size <= 0) return taken.size < 0 ? Copied::nothing : Copied::end;
  pump.line_open = write_lines(*pump.to, pump.stream, taken.data, static_cast<size_t>(taken.size), taken.time_ns);
  written();
  return Copied::some;
}

}  // namespace

void add_pump(int epoll, int from, int directory, const LogLimits& limits, uint8_t stream) {
  int slot = 0;
  while (slot < pump_limit && pumps[slot].from >= 0) ++slot;
  LogFile* log = open_log(directory, limits);
  if (log != nullptr && slot == kMaxPumps) leave_log(*log);
  if (log == nullptr || slot == kMaxPumps) {
    errno = EUSERS;
    complain("copy the output of one more container");
    close(from);
    return;
  }
  if (slot == pump_limit) ++pump_limit;
  fcntl(from, F_SETFL, O_NONBLOCK);
  // An earlier keeper may have left a line open.
  pumps[slot] = {from, log, stream, log->size > 0};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kFirstPump + static_cast<uint64_t>(slot);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, from, &event) != 0) complain("watch the output of a container");
}

void run_pump(uint64_t tag, int reads) {
  if (tag < kFirstPump) return;
  Pump& pump = pumps[tag - kFirstPump];
  for (Copied last = Copied::some; reads > 0 && pump.from >= 0 && last == Copied::some; --reads) {
    last = copy_once(pump);
    if (last == Copied::end) end_pump(pump);
  }
}

}  // namespace berth::keeper
