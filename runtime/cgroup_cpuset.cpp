#include <fcntl.h>
#include <fmt/core.h>

#include "base/text.h"
#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

/// "0-2,4": digits, ranges and commas of at most this many characters, so that "0-4000000000" stays a refused string
/// and never becomes a table.
Status check(const std::string& list, const char* what) {
  constexpr size_t kLongest = 1024;
  if (list.size() > kLongest || list.find_first_not_of("0123456789-,") != std::string::npos) {
    return make_error(fmt::format("{} \"{}\" is not a list like 0-2,4", what, printable(list)));
  }
  return {};
}

Status write(sys::FdRef dir, const char* file, const std::string& list) {
  Status written = sys::write_existing_at(dir, file, list);
  if (!written) written.error().hint = fmt::format("is every one of {} online and allowed here?", list);
  return written;
}

}  // namespace

bool wants_cpuset(const Resources& resources) {
  return !resources.cpuset_cpus.empty() || !resources.cpuset_mems.empty();
}

Status apply_cpuset_v1(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY_OK(check(resources.cpuset_cpus, "cpuset"));
  BERTH_TRY_OK(check(resources.cpuset_mems, "cpuset mems"));
  // A new v1 group has neither CPUs nor memory nodes, and nobody can join it (ENOSPC): both come from the parent.
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const std::string& own = file == std::string_view("cpuset.cpus") ? resources.cpuset_cpus : resources.cpuset_mems;
    std::string value = own;
    if (value.empty()) {
      BERTH_TRY(sys::UniqueFd parent, sys::open_at(dir, std::string("../") + file, O_RDONLY));
      BERTH_TRY(std::string text, sys::read_all(parent.ref(), 4096));
      value = std::string(trim(text));
    }
    BERTH_TRY_OK(write(dir, file, value));
  }
  return {};
}

Status apply_cpuset_v2(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY_OK(check(resources.cpuset_cpus, "cpuset"));
  BERTH_TRY_OK(check(resources.cpuset_mems, "cpuset mems"));
  if (!resources.cpuset_cpus.empty()) BERTH_TRY_OK(write(dir, "cpuset.cpus", resources.cpuset_cpus));
  if (!resources.cpuset_mems.empty()) BERTH_TRY_OK(write(dir, "cpuset.mems", resources.cpuset_mems));
  return {};
}

}  // namespace berth::runtime
